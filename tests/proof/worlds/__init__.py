"""Every piece of work that is proven, by function. Adding a function is adding its line here and its file beside it."""

from . import approve, deploy, rotate, scale

WORLDS = (
    *(scale.Tasks, scale.Group, scale.TasksOnGroup),
    *(deploy.AtOnce, deploy.RolledBack, deploy.Asked, deploy.Restarted, deploy.OnInstances, deploy.FrontEnd),
    approve.Answered,
    rotate.Keys,
)
FUNCTIONS = tuple(dict.fromkeys(world.function for world in WORLDS))
