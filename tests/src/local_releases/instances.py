"""Auto Scaling: instance refreshes that take a moment, carry out their desired configuration, fail and roll back."""

from ministack.core.responses import new_uuid, now_iso
from ministack.services import autoscaling, ec2
from ministack.services.cloudformation import provisioners

from .common import emit, later, scope, settle

# (account, region, client token) -> the answer that the version was made with.
made_versions = {}
ENDED = ("Successful", "Failed", "Cancelled", "RollbackSuccessful", "RollbackFailed")


def active_refresh(group):
    return next((refresh for refresh in group.get("InstanceRefreshes", []) if refresh["Status"] not in ENDED), None)


def members(parameters, prefix):
    return {name[len(prefix):]: autoscaling._p(parameters, name) for name in parameters if name.startswith(prefix)}


def no_such_group(name):
    return autoscaling._error("ValidationError", f"AutoScalingGroup name not found - AutoScalingGroup {name} not found")


def start_refresh(parameters):
    name = autoscaling._p(parameters, "AutoScalingGroupName")
    group = autoscaling._asgs.get(name)
    if group is None:
        return no_such_group(name)
    if active_refresh(group):
        return autoscaling._error("InstanceRefreshInProgress", "An instance refresh is already in progress")
    refresh = {
        "InstanceRefreshId": new_uuid(), "AutoScalingGroupName": name, "Status": "InProgress", "StatusReason": "", "StartTime": now_iso(),
        "PercentageComplete": 0, "InstancesToUpdate": len(group["Instances"]),
        "_template": members(parameters, "DesiredConfiguration.LaunchTemplate."), "_preferences": members(parameters, "Preferences."),
    }
    group.setdefault("InstanceRefreshes", []).insert(0, refresh)
    tell_refresh(group, refresh, "Started")
    later(lambda: settle(name, lambda: refresh["Status"] == "InProgress", lambda fate: end_refresh(name, refresh, fate)))
    return answer("StartInstanceRefresh", f"<InstanceRefreshId>{refresh['InstanceRefreshId']}</InstanceRefreshId>")


def answer(action, inside):
    return autoscaling._xml(200, f"{action}Response", f"<{action}Result>{inside}</{action}Result>")


def end_refresh(name, refresh, fate):
    """A group takes the desired configuration over once the refresh has succeeded (Auto Scaling API, StartInstanceRefresh)."""
    group = autoscaling._asgs[name]
    refresh["EndTime"] = now_iso()
    if fate == "succeed":
        refresh["Status"], refresh["PercentageComplete"], refresh["InstancesToUpdate"] = "Successful", 100, 0
        adopt_template(group, refresh["_template"])
        group["Instances"].clear()
        autoscaling._reconcile_instances(group)
        tell_refresh(group, refresh, "Succeeded")
    elif fate == "roll_back":
        refresh["Status"], refresh["StatusReason"] = "RollbackSuccessful", "Instances failed their health checks."
        tell_refresh(group, refresh, "Rollback Succeeded")
    else:
        refresh["Status"], refresh["StatusReason"] = "Failed", "Instances failed their health checks."
        tell_refresh(group, refresh, "Failed")


def settle_active(name):
    refresh = active_refresh(autoscaling._asgs.get(name) or {})
    if refresh:
        settle(name, lambda: True, lambda fate: end_refresh(name, refresh, fate))


def adopt_template(group, wanted):
    if not wanted:
        return
    spec = {"LaunchTemplateId": wanted.get("LaunchTemplateId", ""), "LaunchTemplateName": wanted.get("LaunchTemplateName", "")}
    group["LaunchTemplate"] = provisioners._asg_launch_template({**spec, "Version": wanted.get("Version") or "$Default"})


def tell_refresh(group, refresh, what):
    detail = {"InstanceRefreshId": refresh["InstanceRefreshId"], "AutoScalingGroupName": refresh["AutoScalingGroupName"]}
    emit("aws.autoscaling", f"EC2 Auto Scaling Instance Refresh {what}", [group["AutoScalingGroupARN"]], detail)


def describe_refreshes(parameters):
    name = autoscaling._p(parameters, "AutoScalingGroupName")
    group = autoscaling._asgs.get(name)
    if group is None:
        return no_such_group(name)
    wanted = autoscaling._parse_member_list(parameters, "InstanceRefreshIds")
    shown = [refresh for refresh in group.get("InstanceRefreshes", []) if not wanted or refresh["InstanceRefreshId"] in wanted]
    texts = "".join(f"<member>{refresh_xml(refresh)}</member>" for refresh in shown)
    return answer("DescribeInstanceRefreshes", f"<InstanceRefreshes>{texts}</InstanceRefreshes>")


def refresh_xml(refresh):
    def element(name, value):
        return f"<{name}>{value}</{name}>"

    text = "".join(element(name, value) for name, value in refresh.items() if not name.startswith("_") and value != "")
    if refresh["_template"]:
        template = "".join(element(name, value) for name, value in refresh["_template"].items())
        text += element("DesiredConfiguration", element("LaunchTemplate", template))
    plain = {name: value for name, value in refresh["_preferences"].items() if "." not in name}
    return text + element("Preferences", "".join(element(name, value) for name, value in plain.items()))


def rollback_refresh(parameters):
    name = autoscaling._p(parameters, "AutoScalingGroupName")
    refresh = active_refresh(autoscaling._asgs.get(name) or {})
    if refresh is None:
        return autoscaling._error("ActiveInstanceRefreshNotFound", f"No in progress or pending Instance Refresh found for Auto Scaling group {name}")
    refresh["Status"] = "RollbackInProgress"
    later(lambda: end_refresh(name, refresh, "roll_back"))
    return answer("RollbackInstanceRefresh", f"<InstanceRefreshId>{refresh['InstanceRefreshId']}</InstanceRefreshId>")


def update_group(original):
    """MiniStack passes the launch template over."""

    def update(parameters):
        done = original(parameters)
        group = autoscaling._asgs.get(autoscaling._p(parameters, "AutoScalingGroupName"))
        if done[0] == 200 and group is not None:
            adopt_template(group, members(parameters, "LaunchTemplate."))
        return done

    return update


def create_version(original):
    """The same token makes the same version, and answers with it again (EC2 API, CreateLaunchTemplateVersion)."""

    def create(parameters):
        token = (*scope(), autoscaling._p(parameters, "ClientToken"))
        if not token[-1]:
            return original(parameters)
        if token not in made_versions:
            answer = original(parameters)
            if answer[0] != 200:
                return answer
            made_versions[token] = answer
        return made_versions[token]

    return create


def install():
    templates = ec2._ACTION_MAP
    templates["CreateLaunchTemplateVersion"] = create_version(templates["CreateLaunchTemplateVersion"])
    groups = autoscaling._ACTION_MAP
    groups.update(StartInstanceRefresh=start_refresh, DescribeInstanceRefreshes=describe_refreshes, RollbackInstanceRefresh=rollback_refresh)
    groups["UpdateAutoScalingGroup"] = update_group(groups["UpdateAutoScalingGroup"])
