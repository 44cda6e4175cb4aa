# The devices of bulkhead's QEMU: a machine without PCI, its wire, and the disk of
# the one machine that has one (the planner local).
CONFIG_MICROVM=y
CONFIG_VIRTIO_SERIAL=y
CONFIG_VIRTIO_BLK=y
