#define _GNU_SOURCE
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fail(const char *reason)
{
    fprintf(stderr, "load: %s\n", reason);
    exit(1);
}

static void add_step(struct text *steps, int *count, const char *source)
{
    if (*count == STEPS || (*source != '<' && *source != '>'))
        fail("a step begins with < or >, and there are at most 8");
    steps[(*count)++] = unescape(source);
}

static void add_window(struct options *options, const char *source)
{
    if (options->phases == PHASES)
        fail("there are at most 8 windows");
    options->windows[options->phases++] = atoi(source);
}

static void set_reply(struct script *script, const char *source)
{
    const char *equals = strchr(source, '=');
    if (!equals)
        fail("--reply wants ASKED=REPLY");
    script->reply = unescape(equals + 1);
    script->asked = unescape(strndup(source, (size_t)(equals - source)));
}

static const struct option names[] = {
    {"port", 1, 0, 'p'},         {"path", 1, 0, 'u'},    {"mqtt", 0, 0, 'm'},
    {"step", 1, 0, 's'},         {"reply", 1, 0, 'r'},   {"cohorts", 1, 0, 'k'},
    {"clients", 1, 0, 'n'},      {"opening", 1, 0, 'o'}, {"rate", 1, 0, 'R'},
    {"stalled", 1, 0, 'x'},      {"window", 1, 0, 'w'},  {"warmup", 1, 0, 'W'},
    {"prefill", 1, 0, 'b'},      {"seconds", 1, 0, 'S'}, {"pid", 1, 0, 'P'},
    {"control-port", 1, 0, 'c'},
    {"control-step", 1, 0, 'C'}, {"head", 1, 0, 'H'},    {"tail", 1, 0, 'T'},
    {"accepted", 1, 0, 'a'},     {"plain", 0, 0, 'z'},
    {0}};

struct options parse_options(int count, char **arguments)
{
    struct options all = {.clients = 1000, .opening = 64, .warmup = 5, .seconds = 5,
                          .script = {.host = "127.0.0.1", .cohorts = 1, .deflates = true}};
    struct script *script = &all.script;
    script->path = all.head = unescape("");
    all.tail = unescape("\\n");
    for (int name; (name = getopt_long(count, arguments, "", names, NULL)) != -1;) {
        switch (name) {
        case 'p': script->port = atoi(optarg); break;
        case 'u': script->path = unescape(optarg); break;
        case 'm': script->protocol = MQTT; break;
        case 'z': script->deflates = false; break;
        case 's': add_step(script->steps, &script->step_count, optarg); break;
        case 'r': set_reply(script, optarg); break;
        case 'k': script->cohorts = atoi(optarg); break;
        case 'n': all.clients = atoi(optarg); break;
        case 'o': all.opening = atoi(optarg); break;
        case 'R': all.rate = atoi(optarg); break;
        case 'x': all.stalled = atof(optarg); break;
        case 'w': add_window(&all, optarg); break;
        case 'W': all.warmup = atoi(optarg); break;
        case 'b': all.prefill = atoi(optarg); break;
        case 'S': all.seconds = atof(optarg); break;
        case 'P': all.pid = atoi(optarg); break;
        case 'c': all.control_port = atoi(optarg); break;
        case 'C': add_step(all.control_steps, &all.control_step_count, optarg); break;
        case 'H': all.head = unescape(optarg); break;
        case 'a': all.accepted = unescape(optarg); break;
        case 'T': all.tail = unescape(optarg); break;
        default: exit(2);
        }
    }
    return all;
}
