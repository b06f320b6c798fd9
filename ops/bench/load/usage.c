#define _GNU_SOURCE
#include "usage.h"
#include "options.h"

#include <stdio.h>
#include <unistd.h>

static FILE *open_file(int pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    FILE *file = fopen(path, "r");
    if (!file)
        fail("the server is gone");
    return file;
}

struct usage usage_of(int pid)
{
    long pages = 0, user = 0, system = 0;
    FILE *file = open_file(pid, "statm");
    int found = fscanf(file, "%*d %ld", &pages);
    fclose(file);
    file = open_file(pid, "stat");
    found += fscanf(file,
                    "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld",
                    &user, &system);
    fclose(file);
    if (found != 3)
        fail("/proc says something else than it used to");
    return (struct usage){(double)(user + system) / (double)sysconf(_SC_CLK_TCK),
                          pages * sysconf(_SC_PAGESIZE)};
}
