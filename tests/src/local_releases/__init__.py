"""What releases need of AWS and MiniStack lacks, put into its services' own tables.

Must never change what MiniStack already does as AWS does. A test says how things go on by requests that AWS does not have,
in the region that they are about:
  AmazonEC2ContainerRegistry_V20150921.PutImageScanFindings {"repositoryName", "imageDigest", "imageScanFindings", "status"}
  AmazonEC2ContainerRegistry_V20150921.LosePushes           {"repositoryName", "secondsAgo"}
  AmazonEC2ContainerServiceV20141113.SetRolloutFate         {"cluster", "service", "fate", "stays"} or {"group", "fate"}
  AmazonEC2ContainerServiceV20141113.SetTaskRoom            {"cluster", "service", "room"}
Fates of the next roll-out: succeed (the default), hang, roll_back, fail; of every later one, too, if it stays. A fate given while
one hangs ends it.
"""

from . import images, instances, tasks


def install():
    images.install()
    tasks.install()
    instances.install()
