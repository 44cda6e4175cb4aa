/*
 * Of PCI, USB and the PC, which bulkhead's QEMU does not have, these are the
 * functions that its microvm machine would call to describe them in ACPI
 * tables. Its machines have no such tables (acpi=off): nothing comes here.
 */
#include "qemu/osdep.h"
#include "hw/acpi/aml-build.h"
#include "hw/i386/acpi-build.h"
#include "hw/pci-host/gpex.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pci_bus.h"
#include "hw/usb/xhci.h"

Object *acpi_get_i386_pci_host(void)
{
	return NULL;
}

int pci_bus_num(PCIBus *s)
{
	abort();
}

pcibus_t pci_bridge_get_base(const PCIDevice *bridge, uint8_t type)
{
	abort();
}

pcibus_t pci_bridge_get_limit(const PCIDevice *bridge, uint8_t type)
{
	abort();
}

void acpi_dsdt_add_gpex(Aml *scope, struct GPEXConfig *cfg)
{
	abort();
}

void xhci_sysbus_build_aml(Aml *scope, uint32_t mmio, unsigned int irq)
{
	abort();
}
