package io.netpark.core.sys;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;

/**
 * {@link LibC} by JNA direct mapping. All signatures are primitive, so JNA converts nothing; errno is asked for only
 * after a call has failed (JNA keeps it for the thread that called).
 */
final class JnaLibC implements LibC {

    /** The registered native methods, named as in C. {@code size_t} and pointers are 64 bits: see Platform. */
    private static final class C {
        static {
            Native.register(C.class, NativeLibrary.getProcess());
        }

        static native int close(int fd);
        static native long read(int fd, long address, long length);
        static native long write(int fd, long address, long length);
        static native long readv(int fd, long iovec, int count);
        static native int fcntl(int fd, int command, int argument);
        static native int pipe2(long fds, int flags);
        static native int eventfd(int initial, int flags);
        static native int timerfd_create(int clock, int flags);
        static native int timerfd_settime(int fd, int flags, long value, long old);
        static native int socket(int domain, int type, int protocol);
        static native int socketpair(int domain, int type, int protocol, long fds);
        static native int bind(int fd, long sockaddr, int length);
        static native int listen(int fd, int backlog);
        static native int accept4(int fd, long sockaddr, long lengthAddress, int flags);
        static native int connect(int fd, long sockaddr, int length);
        static native int shutdown(int fd, int how);
        static native int getsockname(int fd, long sockaddr, long lengthAddress);
        static native int getpeername(int fd, long sockaddr, long lengthAddress);
        static native int getsockopt(int fd, int level, int name, long value, long lengthAddress);
        static native int setsockopt(int fd, int level, int name, long value, int length);
        static native long recv(int fd, long address, long length, int flags);
        static native long send(int fd, long address, long length, int flags);
        static native long sendmsg(int fd, long msghdr, int flags);
        static native long recvmsg(int fd, long msghdr, int flags);
        static native int sendmmsg(int fd, long mmsghdrs, int count, int flags);
        static native int recvmmsg(int fd, long mmsghdrs, int count, int flags, long timeout);
        static native int open(long path, int flags);
        static native long pread(int fd, long address, long length, long offset);
        static native long sendfile(int out, int in, long offset, long count);
        static native long splice(int in, long inOffset, int out, long outOffset, long length, int flags);
        static native int unlink(long path);
        static native int inotify_init1(int flags);
        static native int inotify_add_watch(int fd, long path, int mask);
        static native int epoll_create1(int flags);
        static native int epoll_ctl(int epfd, int operation, int fd, long event);
        static native int epoll_wait(int epfd, long events, int capacity, int timeoutMillis);
        static native int poll(long pollfds, long count, int timeoutMillis);
        static native int sched_setaffinity(int thread, long length, long mask);
    }

    /** Apart, because an old C library has no such symbol and registration is all or nothing. */
    private static final class C235 {
        static final boolean PRESENT = register();

        private static boolean register() {
            try {
                Native.register(C235.class, NativeLibrary.getProcess());
                return true;
            } catch (UnsatisfiedLinkError e) {
                return false;
            }
        }

        static native int epoll_pwait2(int epfd, long events, int capacity, long timespec, long signals);
    }

    /** As {@link C235}. */
    private static final class C228 {
        static final boolean PRESENT = register();

        private static boolean register() {
            try {
                Native.register(C228.class, NativeLibrary.getProcess());
                return true;
            } catch (UnsatisfiedLinkError e) {
                return false;
            }
        }

        static native int statx(int directory, long path, int flags, int mask, long statx);
    }

    private static int result(int result) {
        return result >= 0 ? result : -Native.getLastError();
    }

    private static long result(long result) {
        return result >= 0 ? result : -Native.getLastError();
    }

    @Override
    public Binding binding() {
        return Binding.JNA;
    }

    @Override
    public int close(int fd) {
        return result(C.close(fd));
    }

    @Override
    public long read(int fd, long address, long length) {
        return result(C.read(fd, address, length));
    }

    @Override
    public long write(int fd, long address, long length) {
        return result(C.write(fd, address, length));
    }

    @Override
    public long readv(int fd, long iovec, int count) {
        return result(C.readv(fd, iovec, count));
    }

    @Override
    public int fcntl(int fd, int command, int argument) {
        return result(C.fcntl(fd, command, argument));
    }

    @Override
    public int pipe2(long fds, int flags) {
        return result(C.pipe2(fds, flags));
    }

    @Override
    public int eventfd(int initial, int flags) {
        return result(C.eventfd(initial, flags));
    }

    @Override
    public int timerfdCreate(int clock, int flags) {
        return result(C.timerfd_create(clock, flags));
    }

    @Override
    public int timerfdSettime(int fd, int flags, long value, long old) {
        return result(C.timerfd_settime(fd, flags, value, old));
    }

    @Override
    public int socket(int domain, int type, int protocol) {
        return result(C.socket(domain, type, protocol));
    }

    @Override
    public int socketpair(int domain, int type, int protocol, long fds) {
        return result(C.socketpair(domain, type, protocol, fds));
    }

    @Override
    public int bind(int fd, long sockaddr, int length) {
        return result(C.bind(fd, sockaddr, length));
    }

    @Override
    public int listen(int fd, int backlog) {
        return result(C.listen(fd, backlog));
    }

    @Override
    public int accept4(int fd, long sockaddr, long lengthAddress, int flags) {
        return result(C.accept4(fd, sockaddr, lengthAddress, flags));
    }

    @Override
    public int connect(int fd, long sockaddr, int length) {
        return result(C.connect(fd, sockaddr, length));
    }

    @Override
    public int shutdown(int fd, int how) {
        return result(C.shutdown(fd, how));
    }

    @Override
    public int getsockname(int fd, long sockaddr, long lengthAddress) {
        return result(C.getsockname(fd, sockaddr, lengthAddress));
    }

    @Override
    public int getpeername(int fd, long sockaddr, long lengthAddress) {
        return result(C.getpeername(fd, sockaddr, lengthAddress));
    }

    @Override
    public int getsockopt(int fd, int level, int name, long value, long lengthAddress) {
        return result(C.getsockopt(fd, level, name, value, lengthAddress));
    }

    @Override
    public int setsockopt(int fd, int level, int name, long value, int length) {
        return result(C.setsockopt(fd, level, name, value, length));
    }

    @Override
    public long recv(int fd, long address, long length, int flags) {
        return result(C.recv(fd, address, length, flags));
    }

    @Override
    public long send(int fd, long address, long length, int flags) {
        return result(C.send(fd, address, length, flags));
    }

    @Override
    public long sendmsg(int fd, long msghdr, int flags) {
        return result(C.sendmsg(fd, msghdr, flags));
    }

    @Override
    public long recvmsg(int fd, long msghdr, int flags) {
        return result(C.recvmsg(fd, msghdr, flags));
    }

    @Override
    public int sendmmsg(int fd, long mmsghdrs, int count, int flags) {
        return result(C.sendmmsg(fd, mmsghdrs, count, flags));
    }

    @Override
    public int recvmmsg(int fd, long mmsghdrs, int count, int flags) {
        return result(C.recvmmsg(fd, mmsghdrs, count, flags, 0));
    }

    @Override
    public int open(long path, int flags) {
        return result(C.open(path, flags));
    }

    @Override
    public long pread(int fd, long address, long length, long offset) {
        return result(C.pread(fd, address, length, offset));
    }

    @Override
    public int statx(int directory, long path, int flags, int mask, long statx) {
        return C228.PRESENT ? result(C228.statx(directory, path, flags, mask, statx)) : -Errno.ENOSYS;
    }

    @Override
    public long sendfile(int out, int in, long offset, long count) {
        return result(C.sendfile(out, in, offset, count));
    }

    @Override
    public long splice(int in, long inOffset, int out, long outOffset, long length, int flags) {
        return result(C.splice(in, inOffset, out, outOffset, length, flags));
    }

    @Override
    public int inotifyInit(int flags) {
        return result(C.inotify_init1(flags));
    }

    @Override
    public int unlink(long path) {
        return result(C.unlink(path));
    }

    @Override
    public int inotifyAddWatch(int fd, long path, int mask) {
        return result(C.inotify_add_watch(fd, path, mask));
    }

    @Override
    public int epollCreate(int flags) {
        return result(C.epoll_create1(flags));
    }

    @Override
    public int epollCtl(int epfd, int operation, int fd, long event) {
        return result(C.epoll_ctl(epfd, operation, fd, event));
    }

    @Override
    public int epollWait(int epfd, long events, int capacity, int timeoutMillis) {
        return result(C.epoll_wait(epfd, events, capacity, timeoutMillis));
    }

    @Override
    public int epollPwait2(int epfd, long events, int capacity, long timespec) {
        return C235.PRESENT ? result(C235.epoll_pwait2(epfd, events, capacity, timespec, 0)) : -Errno.ENOSYS;
    }

    @Override
    public int poll(long pollfds, long count, int timeoutMillis) {
        return result(C.poll(pollfds, count, timeoutMillis));
    }

    @Override
    public int schedSetaffinity(int thread, long length, long mask) {
        return result(C.sched_setaffinity(thread, length, mask));
    }
}
