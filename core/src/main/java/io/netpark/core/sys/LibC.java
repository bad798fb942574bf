package io.netpark.core.sys;

import io.netpark.core.linux.EpollEvent;
import io.netpark.core.linux.IoVec;
import io.netpark.core.linux.Linux;
import io.netpark.core.linux.MMsgHdr;
import io.netpark.core.linux.MsgHdr;
import io.netpark.core.linux.PollFd;
import io.netpark.core.linux.Statx;
import io.netpark.core.linux.Timespec;

/**
 * The native seam: the C library calls Netpark makes, and nothing else.
 *
 * <p>Every argument and result is a primitive. An address is a {@code long} that the caller keeps valid for the
 * whole call; a {@code size_t} is a {@code long}. <b>Every call returns its result, or minus errno</b>: a failure is
 * a value from -4095 to -1 (the names are in {@link Errno}), never an exception, and {@code EAGAIN} is as ordinary
 * a value as any other.
 *
 * <p>No call here retries: {@code EINTR} reaches the caller, who knows whether to try again ({@code close} never
 * is, see close(2)). Implementations are stateless and safe to call from any thread.
 *
 * @see Binding how the implementation is chosen
 */
public interface LibC {

    /** Which mechanism performs the calls. */
    Binding binding();

    // Descriptors of any kind

    /** close(2). Whatever it returns, the descriptor is gone: never call it twice. */
    int close(int fd);

    /** read(2). */
    long read(int fd, long address, long length);

    /** write(2). Not for sockets: {@link #send} keeps SIGPIPE away. */
    long write(int fd, long address, long length);

    /** readv(2), with {@code count} entries of {@link IoVec}. */
    long readv(int fd, long iovec, int count);

    /** fcntl(2) with an int argument. */
    int fcntl(int fd, int command, int argument);

    /** pipe2(2); {@code fds} is the address of two ints. */
    int pipe2(long fds, int flags);

    /** eventfd(2). */
    int eventfd(int initial, int flags);

    /** timerfd_create(2). */
    int timerfdCreate(int clock, int flags);

    /** timerfd_settime(2), with a {@code struct itimerspec} at {@code value}; {@code old} may be 0. */
    int timerfdSettime(int fd, int flags, long value, long old);

    // Sockets

    /** socket(2). */
    int socket(int domain, int type, int protocol);

    /** socketpair(2); {@code fds} is the address of two ints. */
    int socketpair(int domain, int type, int protocol, long fds);

    /** bind(2). */
    int bind(int fd, long sockaddr, int length);

    /** listen(2). */
    int listen(int fd, int backlog);

    /** accept4(2); {@code lengthAddress} holds the room at {@code sockaddr} and receives the length used. */
    int accept4(int fd, long sockaddr, long lengthAddress, int flags);

    /** connect(2). */
    int connect(int fd, long sockaddr, int length);

    /** shutdown(2). */
    int shutdown(int fd, int how);

    /** getsockname(2). */
    int getsockname(int fd, long sockaddr, long lengthAddress);

    /** getpeername(2). */
    int getpeername(int fd, long sockaddr, long lengthAddress);

    /** getsockopt(2). */
    int getsockopt(int fd, int level, int name, long value, long lengthAddress);

    /** setsockopt(2). */
    int setsockopt(int fd, int level, int name, long value, int length);

    /** recv(2). */
    long recv(int fd, long address, long length, int flags);

    /** send(2). Always with {@link Linux#MSG_NOSIGNAL}. */
    long send(int fd, long address, long length, int flags);

    /** sendmsg(2), with a {@link MsgHdr}. Always with {@link Linux#MSG_NOSIGNAL}. */
    long sendmsg(int fd, long msghdr, int flags);

    /** recvmsg(2), with a {@link MsgHdr}. */
    long recvmsg(int fd, long msghdr, int flags);

    /** sendmmsg(2), with {@code count} entries of {@link MMsgHdr}. Always with {@link Linux#MSG_NOSIGNAL}. */
    int sendmmsg(int fd, long mmsghdrs, int count, int flags);

    /** recvmmsg(2) without a timeout, with {@code count} entries of {@link MMsgHdr}. */
    int recvmmsg(int fd, long mmsghdrs, int count, int flags);

    // Files, and bytes from one descriptor to another inside the kernel

    /**
     * open(2) of a file that is there; {@code path} is the address of its name, which a zero byte ends. For a file that
     * is to be made there is no call.
     */
    int open(long path, int flags);

    /** pread(2): a {@link #read} at {@code offset}, that leaves the file's own position alone. */
    long pread(int fd, long address, long length, long offset);

    /**
     * statx(2), with a {@link Statx}; {@code path} is the address of a name like that of {@link #open}. Returns minus
     * {@link Errno#ENOSYS} where the C library (glibc before 2.28) or the kernel (before 4.11) has none.
     */
    int statx(int directory, long path, int flags, int mask, long statx);

    /**
     * sendfile(2) with 64-bit offsets. {@code offset} is the address of the {@code long} that says where to begin, which
     * the call moves on by what it has sent; at 0 it goes by the file's own position instead. Moves at most
     * {@link Linux#SENDFILE_MAX} bytes. It takes no flags, so a broken pipe comes with a SIGPIPE, which the JVM
     * has a handler for that does nothing.
     */
    long sendfile(int out, int in, long offset, long count);

    /**
     * splice(2), of which one end is a pipe. An offset is the address of a {@code long} as in {@link #sendfile}, and 0
     * for pipes and sockets.
     */
    long splice(int in, long inOffset, int out, long outOffset, long length, int flags);

    /** unlink(2); {@code path} is the address of a name like that of {@link #open}. */
    int unlink(long path);

    /** inotify_init1(2). */
    int inotifyInit(int flags);

    /** inotify_add_watch(2); {@code path} is the address of a name like that of {@link #open}. */
    int inotifyAddWatch(int fd, long path, int mask);

    // Readiness

    /** epoll_create1(2). */
    int epollCreate(int flags);

    /** epoll_ctl(2), with an {@link EpollEvent}; the address may be 0 for {@link Linux#EPOLL_CTL_DEL}. */
    int epollCtl(int epfd, int operation, int fd, long event);

    /** epoll_wait(2). Blocks the thread for up to {@code timeoutMillis}; -1 means without end. */
    int epollWait(int epfd, long events, int capacity, int timeoutMillis);

    /**
     * epoll_pwait2(2) without a signal mask; {@code timespec} is the address of a {@link Timespec}. Returns minus
     * {@link Errno#ENOSYS} where the C library or the kernel (before 5.11) has none, and what a filter of system calls likes.
     */
    int epollPwait2(int epfd, long events, int capacity, long timespec);

    /** poll(2), with {@code count} entries of {@link PollFd}. Blocks the thread like {@link #epollWait}. */
    int poll(long pollfds, long count, int timeoutMillis);

    // Threads

    /** sched_setaffinity(2); {@code thread} 0 is the calling one, {@code mask} the address of {@code length} bytes. */
    int schedSetaffinity(int thread, long length, long mask);
}
