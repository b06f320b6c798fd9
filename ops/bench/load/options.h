/* The command line of the load client. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "client.h"

#define PHASES 8

struct options {
    struct script script;      /* how a client subscribes */
    int clients, opening;      /* how many; how many at once are on their way in */
    int rate;                  /* most new clients a second; 0: as fast as it goes */
    double stalled;            /* the share of clients that stop reading */
    int windows[PHASES];       /* items in flight, one measurement each */
    int phases, warmup;        /* items before each measurement */
    int prefill;               /* items before the first client comes */
    double seconds;            /* of each measurement */
    int pid, control_port;     /* of the server; where items are published */
    struct text head, tail;    /* what stands around an item there */
    struct text accepted;      /* how the server says that it took one, if it does */
    struct text control_steps[STEPS];
    int control_step_count;
};

struct options parse_options(int count, char **arguments);

/* Say why and end the program. */
void fail(const char *reason) __attribute__((noreturn));

#endif
