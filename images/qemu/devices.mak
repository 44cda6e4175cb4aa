# The devices of bulkhead's QEMU: a machine without PCI, and its wire.
CONFIG_MICROVM=y
CONFIG_VIRTIO_SERIAL=y
