/* SPDX-License-Identifier: Apache-2.0 */
/* A bus in /sys has folders of devices and drivers, whether or not there are any:
 * libpci ends its program where one is missing. */
#include "abi.h"

int main(void)
{
	static const char *const buses[] = { "pci", "usb" }, *const folders[] = { "", "/devices", "/drivers" };
	char path[80];

	for (int b = 0; b < 2; b++) {
		int there = 0;

		for (int i = 0; i < 3; i++) {
			DIR *d;

			snprintf(path, sizeof path, "/sys/bus/%s%s", buses[b], folders[i]);
			d = opendir(path);
			there += d != NULL;
			if (d)
				closedir(d);
		}
		SAY("%s: %s\n", buses[b], there == 0 || there == 3 ? "all or nothing" : "in part");
	}
	return 0;
}
