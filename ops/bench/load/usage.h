/* What the server's process has used so far. */
#ifndef USAGE_H
#define USAGE_H

struct usage {
    double cpu_s;
    long rss; /* bytes */
};

/* Read it from /proc; end the program if the process is gone. */
struct usage usage_of(int pid);

#endif
