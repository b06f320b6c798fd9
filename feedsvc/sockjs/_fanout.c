/* The loop of fan-out without the interpreter: one frame to every socket of a lane.
 *
 * Two ways: a system call each, or one io_uring_enter() for a whole batch of sends. Both
 * hold the GIL throughout, so that from asking a socket for its number to sending,
 * nobody can close it and have the number given to another connection; and so that the
 * one ring of the process is never used twice at a time. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <errno.h>
#include <sys/socket.h>

#if defined(__linux__) && defined(__has_include)
#if __has_include(<linux/io_uring.h>)
#define HAS_RING
#endif
#endif

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* Python ignores SIGPIPE anyway */
#endif
#define SEND_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)

/* One call: what is sent, and who did not take all of it. */
struct cast {
    PyObject *frame, *failures;
    char *bytes;
    Py_ssize_t size;
};

typedef int (*sender)(struct cast *cast, PyObject *member, int fd);

/* Note how much a member took: so many bytes, or an error as a negative number. */
static int settle(struct cast *cast, PyObject *member, Py_ssize_t result)
{
    if (result == cast->size)
        return 0;
    if (PyErr_Occurred())
        return -1;
    if (result < 0)
        result = result == -EAGAIN || result == -EINTR ? 0 : -1;
    PyObject *failure = Py_BuildValue("(On)", member, result);
    int error = failure == NULL || PyList_Append(cast->failures, failure);
    Py_XDECREF(failure);
    return error ? -1 : 0;
}

static int send_now(struct cast *cast, PyObject *member, int fd)
{
    Py_ssize_t result = send(fd, cast->bytes, (size_t)cast->size, SEND_FLAGS);
    return settle(cast, member, result < 0 ? -errno : result);
}

#ifdef HAS_RING
#include <limits.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BATCH 256u /* a power of two; more at once brings nothing */

/* The ring of the process. Entry `tail % BATCH` is the next, the answers name theirs, and
 * each send has one answer: the kernel is done when it has given `tail` of them. */
static struct {
    pid_t owner; /* a forked child must not use its parent's */
    int error;   /* why it cannot be used, for good */
    int fd;
    unsigned tail, *sq_head, *sq_tail, *cq_head, *cq_tail, cq_mask;
    struct io_uring_sqe *sqes;
    struct io_uring_cqe *cqes;
    PyObject *members[BATCH]; /* of the sends that have no answer yet */
} ring;

static void prepare(int fd, const char *bytes, Py_ssize_t size)
{
    ring.sqes[ring.tail % BATCH] = (struct io_uring_sqe){
        .opcode = IORING_OP_SEND,
        .fd = fd,
        .addr = (uintptr_t)bytes,
        .len = size < INT_MAX ? (unsigned)size : INT_MAX,
        .msg_flags = SEND_FLAGS,
        .user_data = ring.tail % BATCH,
    };
    ring.tail++;
}

/* Have the kernel do all that is prepared. */
static int enter(void)
{
    unsigned done;
    __atomic_store_n(ring.sq_tail, ring.tail, __ATOMIC_RELEASE);
    while ((done = __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE)) != ring.tail) {
        unsigned queued = ring.tail - __atomic_load_n(ring.sq_head, __ATOMIC_ACQUIRE);
        long taken = syscall(__NR_io_uring_enter, ring.fd, queued, ring.tail - done,
                             IORING_ENTER_GETEVENTS, NULL, 0);
        if (taken < 0 && errno != EINTR) {
            ring.error = errno;
            return -1;
        }
    }
    return 0;
}

/* Take the answers that are there. */
static int reap(struct cast *cast)
{
    int error = 0;
    unsigned head = *ring.cq_head;
    unsigned tail = __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE);
    for (; head != tail; head++) {
        const struct io_uring_cqe *answer = &ring.cqes[head & ring.cq_mask];
        PyObject *member = ring.members[answer->user_data];
        ring.members[answer->user_data] = NULL;
        error |= settle(cast, member, answer->res);
        Py_DECREF(member);
    }
    __atomic_store_n(ring.cq_head, head, __ATOMIC_RELEASE);
    return error;
}

/* Send what a broken ring has left. It stays open: somebody has closed it, and its
 * number may be another file's by now. */
static int send_left(struct cast *cast)
{
    int error = 0;
    unsigned queued = ring.tail - __atomic_load_n(ring.sq_head, __ATOMIC_ACQUIRE);
    for (unsigned back = BATCH; back > 0; back--) {
        unsigned slot = (ring.tail - back) % BATCH;
        PyObject *member = ring.members[slot];
        if (member == NULL)
            continue;
        ring.members[slot] = NULL;
        if (back <= queued) {
            error |= send_now(cast, member, ring.sqes[slot].fd);
        } else {
            /* The kernel may read the frame still, and nobody knows how far. */
            Py_INCREF(cast->frame);
            error |= settle(cast, member, -EIO);
        }
        Py_DECREF(member);
    }
    return error;
}

static int flush(struct cast *cast)
{
    int broken = enter();
    int error = reap(cast);
    return broken ? send_left(cast) | error : error;
}

static int send_soon(struct cast *cast, PyObject *member, int fd)
{
    if (ring.error)
        return send_now(cast, member, fd);
    Py_INCREF(member);
    ring.members[ring.tail % BATCH] = member;
    prepare(fd, cast->bytes, cast->size);
    return ring.tail % BATCH ? 0 : flush(cast);
}

static int send_rest(struct cast *cast)
{
    return ring.error ? 0 : flush(cast);
}

static int map_ring(const struct io_uring_params *params)
{
    const int access = PROT_READ | PROT_WRITE, how = MAP_SHARED | MAP_POPULATE;
    size_t sqes = params->sq_entries * sizeof *ring.sqes;
    size_t size = params->sq_off.array + params->sq_entries * sizeof(unsigned);
    size_t cq_end = params->cq_off.cqes + params->cq_entries * sizeof *ring.cqes;
    if (size < cq_end)
        size = cq_end;
    ring.sqes = mmap(NULL, sqes, access, how, ring.fd, IORING_OFF_SQES);
    if (ring.sqes == MAP_FAILED)
        return -1;
    char *base = mmap(NULL, size, access, how, ring.fd, IORING_OFF_SQ_RING);
    if (base == MAP_FAILED) {
        munmap(ring.sqes, sqes);
        return -1;
    }
    ring.sq_head = (unsigned *)(base + params->sq_off.head);
    ring.sq_tail = (unsigned *)(base + params->sq_off.tail);
    ring.cq_head = (unsigned *)(base + params->cq_off.head);
    ring.cq_tail = (unsigned *)(base + params->cq_off.tail);
    ring.cqes = (struct io_uring_cqe *)(base + params->cq_off.cqes);
    ring.cq_mask = params->cq_entries - 1;
    unsigned *order = (unsigned *)(base + params->sq_off.array);
    for (unsigned slot = 0; slot < BATCH; slot++)
        order[slot] = slot;
    return 0;
}

/* Send one byte: old kernels have rings that cannot, and a filter may forbid it. */
static int try_ring(void)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
        return -1;
    prepare(pair[0], "", 1);
    int failed = enter();
    if (!failed) {
        int result = ring.cqes[*ring.cq_head & ring.cq_mask].res;
        __atomic_store_n(ring.cq_head, ring.tail, __ATOMIC_RELEASE);
        errno = result < 0 ? -result : EIO;
        failed = result != 1;
    }
    int error = errno;
    close(pair[0]);
    close(pair[1]);
    errno = error;
    return failed ? -1 : 0;
}

/* Return 0 if this process has a ring that works, else why not. */
static int ensure_ring(void)
{
    struct io_uring_params params = {0};
    pid_t pid = getpid();
    if (ring.owner == pid)
        return ring.error;
    ring.owner = pid;
    ring.tail = 0;
    ring.error = 0;
    ring.fd = (int)syscall(__NR_io_uring_setup, BATCH, &params);
    if (ring.fd < 0)
        return ring.error = errno;
    if (!(params.features & IORING_FEAT_SINGLE_MMAP))
        ring.error = ENOSYS;
    else if (map_ring(&params) || try_ring())
        ring.error = errno;
    if (ring.error)
        close(ring.fd);
    return ring.error;
}

#else

#define send_soon send_now
static int send_rest(struct cast *cast) { return (void)cast, 0; }
static int ensure_ring(void) { return ENOSYS; }

#endif

/* Ask a handle for the number of its socket: -1 if that is closed. */
static int ask_number(PyObject *handle, int *fd)
{
    PyObject *number = PyObject_CallNoArgs(handle);
    if (number == NULL)
        return -1;
    *fd = (int)PyLong_AsLong(number);
    Py_DECREF(number);
    return PyErr_Occurred() ? -1 : 0;
}

static PyObject *send_all(PyObject *args, sender send_to)
{
    PyObject *lane, *member, *handle;
    Py_ssize_t position = 0;
    struct cast cast;
    int fd, error = 0;
    if (!PyArg_ParseTuple(args, "SO!", &cast.frame, &PyDict_Type, &lane) ||
        PyBytes_AsStringAndSize(cast.frame, &cast.bytes, &cast.size) ||
        (cast.failures = PyList_New(0)) == NULL)
        return NULL;
    while (!error && PyDict_Next(lane, &position, &member, &handle)) {
        Py_INCREF(member);
        error = ask_number(handle, &fd) || send_to(&cast, member, fd);
        Py_DECREF(member);
    }
    if (send_to == send_soon)
        error |= send_rest(&cast);
    if (error)
        Py_CLEAR(cast.failures);
    return cast.failures;
}

static PyObject *send_by_loop(PyObject *module, PyObject *args)
{
    (void)module;
    return send_all(args, send_now);
}

static PyObject *send_by_ring(PyObject *module, PyObject *args)
{
    (void)module;
    return send_all(args, ensure_ring() ? send_now : send_soon);
}

static PyObject *open_ring(PyObject *module, PyObject *ignored)
{
    (void)module;
    (void)ignored;
    errno = ensure_ring();
    if (errno)
        return PyErr_SetFromErrno(PyExc_OSError);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"send_by_loop", send_by_loop, METH_VARARGS, NULL},
    {"send_by_ring", send_by_ring, METH_VARARGS, NULL},
    {"open_ring", open_ring, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_fanout", NULL, 0, functions, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__fanout(void)
{
    return PyModule_Create(&definition);
}
