/* The loop of fan-out without the interpreter: one frame to every socket of a lane.
 *
 * Two ways: a system call each, or one io_uring_enter() for BATCH sends. Both hold the
 * GIL throughout, so that from asking a socket for its number to sending, nobody can
 * close it and have the number given to another connection; and so that the one ring
 * of the process is never used twice at a time. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>

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

static Py_ssize_t taken_at(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR ? 0 : -1;
}

static int settle(struct cast *cast, PyObject *member, Py_ssize_t taken)
{
    if (taken == cast->size)
        return 0;
    PyObject *failure = Py_BuildValue("(On)", member, taken);
    if (failure == NULL)
        return -1;
    int result = PyList_Append(cast->failures, failure);
    Py_DECREF(failure);
    return result;
}

static int send_one(struct cast *cast, PyObject *member, int fd)
{
    Py_ssize_t taken = send(fd, cast->bytes, (size_t)cast->size, SEND_FLAGS);
    return settle(cast, member, taken < 0 ? taken_at(errno) : taken);
}

/* Ask a handle for the number of its socket: -1 if that is closed. */
static int number_of(PyObject *handle, int *fd)
{
    PyObject *number = PyObject_CallNoArgs(handle);
    if (number == NULL)
        return -1;
    *fd = (int)PyLong_AsLong(number);
    Py_DECREF(number);
    return *fd == -1 && PyErr_Occurred() ? -1 : 0;
}

#if defined(__linux__) && defined(__has_include)
#if __has_include(<linux/io_uring.h>)
#define HAS_RING
#endif
#endif

#ifdef HAS_RING
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifndef BATCH
#define BATCH 256u /* a power of two */
#endif
#ifndef SETUP
#define SETUP 0
#endif

/* The process's ring. Every entry has its fixed slot, and every send one completion, so
 * the kernel is done when the completions' tail has reached that of the submissions. */
static struct {
    pid_t owner; /* the process that made it, or gave it up */
    int fd;      /* -1: there is none, and none will be tried in this process */
    unsigned tail, *sq_head, *sq_tail, *cq_head, *cq_tail, cq_mask;
    struct io_uring_sqe *sqes;
    struct io_uring_cqe *cqes;
    PyObject *members[BATCH]; /* whose send has no answer yet */
} ring = {.fd = -1};

static int map_ring(int fd, const struct io_uring_params *params)
{
    size_t sq_end = params->sq_off.array + params->sq_entries * sizeof(unsigned);
    size_t cq_end =
        params->cq_off.cqes + params->cq_entries * sizeof(struct io_uring_cqe);
    size_t size = sq_end > cq_end ? sq_end : cq_end;
    size_t sqes_size = params->sq_entries * sizeof(struct io_uring_sqe);
    char *rings = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                       fd, IORING_OFF_SQ_RING);
    if (rings == MAP_FAILED)
        return -1;
    ring.sqes = mmap(NULL, sqes_size, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQES);
    if (ring.sqes == MAP_FAILED) {
        munmap(rings, size);
        return -1;
    }
    ring.sq_head = (unsigned *)(rings + params->sq_off.head);
    ring.sq_tail = (unsigned *)(rings + params->sq_off.tail);
    ring.cq_head = (unsigned *)(rings + params->cq_off.head);
    ring.cq_tail = (unsigned *)(rings + params->cq_off.tail);
    ring.cq_mask = params->cq_entries - 1;
    ring.cqes = (struct io_uring_cqe *)(rings + params->cq_off.cqes);
    unsigned *order = (unsigned *)(rings + params->sq_off.array);
    for (unsigned slot = 0; slot < BATCH; slot++)
        order[slot] = slot;
    ring.tail = 0;
    return 0;
}

/* Have the kernel do all that is queued. */
static int enter_ring(void)
{
    unsigned done;
    __atomic_store_n(ring.sq_tail, ring.tail, __ATOMIC_RELEASE);
    while ((done = __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE)) != ring.tail) {
        unsigned queued = ring.tail - __atomic_load_n(ring.sq_head, __ATOMIC_ACQUIRE);
        if (syscall(__NR_io_uring_enter, ring.fd, queued, ring.tail - done,
                    IORING_ENTER_GETEVENTS, NULL, 0) < 0 &&
            errno != EINTR)
            return -1;
    }
    return 0;
}

/* Take the answers that are there. */
static int reap_ring(struct cast *cast)
{
    int result = 0;
    unsigned head = *ring.cq_head;
    unsigned tail = __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE);
    for (; head != tail; head++) {
        struct io_uring_cqe *cqe = &ring.cqes[head & ring.cq_mask];
        PyObject *member = ring.members[cqe->user_data];
        ring.members[cqe->user_data] = NULL;
        result |= settle(cast, member, cqe->res < 0 ? taken_at(-cqe->res) : cqe->res);
        Py_DECREF(member);
    }
    __atomic_store_n(ring.cq_head, head, __ATOMIC_RELEASE);
    return result;
}

static void queue_send(struct cast *cast, PyObject *member, int fd)
{
    unsigned slot = ring.tail++ % BATCH;
    ring.members[slot] = Py_NewRef(member);
    ring.sqes[slot] = (struct io_uring_sqe){
        .opcode = IORING_OP_SEND,
        .fd = fd,
        .addr = (uintptr_t)cast->bytes,
        .len = cast->size < INT_MAX ? (unsigned)cast->size : INT_MAX,
        .msg_flags = SEND_FLAGS,
        .user_data = slot,
    };
}

/* Send what is queued, even if the ring fails. */
static int flush_ring(struct cast *cast)
{
    int failed = enter_ring();
    int result = reap_ring(cast);
    if (!failed)
        return result;
    /* Somebody closed it. It is left alone: its number may be another file's by now. */
    ring.fd = -1;
    for (unsigned next = *ring.sq_head; next != ring.tail; next++) {
        PyObject *member = ring.members[next % BATCH];
        ring.members[next % BATCH] = NULL;
        result |= send_one(cast, member, ring.sqes[next % BATCH].fd);
        Py_DECREF(member);
    }
    for (unsigned slot = 0; slot < BATCH; slot++)
        if (ring.members[slot] != NULL) {
            /* The kernel may be at it still, and nobody knows how far it will come. */
            Py_INCREF(cast->frame);
            result |= settle(cast, ring.members[slot], -1);
            Py_CLEAR(ring.members[slot]);
        }
    return result;
}

/* Say whether a byte goes through: old kernels have rings that cannot send. */
static int try_ring(void)
{
    int pair[2];
    char byte = 0;
    struct io_uring_sqe *sqe = &ring.sqes[ring.tail % BATCH];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
        return -1;
    *sqe = (struct io_uring_sqe){.opcode = IORING_OP_SEND, .fd = pair[0],
                                 .addr = (uintptr_t)&byte, .len = 1,
                                 .msg_flags = SEND_FLAGS};
    ring.tail++;
    int result = enter_ring();
    if (result == 0) {
        int res = ring.cqes[*ring.cq_head & ring.cq_mask].res;
        __atomic_store_n(ring.cq_head, ring.tail, __ATOMIC_RELEASE);
        errno = res < 0 ? -res : EIO;
        result = res == 1 ? 0 : -1;
    }
    close(pair[0]);
    close(pair[1]);
    return result;
}

/* Make the ring of this process, once; a forked child must not use its parent's. */
static int ensure_ring(void)
{
    pid_t pid = getpid();
    if (ring.owner == pid) {
        errno = ENXIO;
        return ring.fd < 0 ? -1 : 0;
    }
    ring.owner = pid;
    struct io_uring_params params = {.flags = SETUP};
    ring.fd = (int)syscall(__NR_io_uring_setup, BATCH, &params);
    if (ring.fd < 0)
        return -1;
    if (map_ring(ring.fd, &params) || try_ring()) {
        int error = errno;
        close(ring.fd);
        ring.fd = -1;
        errno = error;
        return -1;
    }
    return 0;
}
#endif

static PyObject *send_by_loop(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *lane, *member, *handle;
    Py_ssize_t position = 0;
    int fd;
    struct cast cast;
    if (!PyArg_ParseTuple(args, "SO!", &cast.frame, &PyDict_Type, &lane))
        return NULL;
    if (PyBytes_AsStringAndSize(cast.frame, &cast.bytes, &cast.size))
        return NULL;
    cast.failures = PyList_New(0);
    while (cast.failures && PyDict_Next(lane, &position, &member, &handle)) {
        Py_INCREF(member);
        if (number_of(handle, &fd) || send_one(&cast, member, fd))
            Py_CLEAR(cast.failures);
        Py_DECREF(member);
    }
    return cast.failures;
}

static PyObject *send_by_ring(PyObject *module, PyObject *args)
{
    if (ensure_ring())
        return send_by_loop(module, args);
    PyObject *lane, *member, *handle;
    Py_ssize_t position = 0;
    int fd, n = 0;
    struct cast cast;
    if (!PyArg_ParseTuple(args, "SO!", &cast.frame, &PyDict_Type, &lane))
        return NULL;
    if (PyBytes_AsStringAndSize(cast.frame, &cast.bytes, &cast.size))
        return NULL;
    cast.failures = PyList_New(0);
    while (cast.failures && PyDict_Next(lane, &position, &member, &handle)) {
        Py_INCREF(member);
        if (number_of(handle, &fd))
            Py_CLEAR(cast.failures);
        else
            queue_send(&cast, member, fd);
        Py_DECREF(member);
        if (++n % BATCH == 0 && flush_ring(&cast))
            Py_CLEAR(cast.failures);
    }
    if (cast.failures && flush_ring(&cast))
        Py_CLEAR(cast.failures);
    return cast.failures;
}

static PyObject *open_ring(PyObject *module, PyObject *ignored)
{
    (void)module;
    (void)ignored;
    if (ensure_ring())
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

PyMODINIT_FUNC PyInit__fanout(void) { return PyModule_Create(&definition); }
