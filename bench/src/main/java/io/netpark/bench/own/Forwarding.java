package io.netpark.bench.own;

import io.netpark.core.sys.Binding;
import io.netpark.core.sys.LibC;

/** A C library that leaves every call to another one. */
abstract class Forwarding implements LibC {

    private final LibC below;

    Forwarding(LibC below) {
        this.below = below;
    }

    @Override
    public Binding binding() {
        return below.binding();
    }

    @Override
    public int close(int fd) {
        return below.close(fd);
    }

    @Override
    public long read(int fd, long address, long length) {
        return below.read(fd, address, length);
    }

    @Override
    public long write(int fd, long address, long length) {
        return below.write(fd, address, length);
    }

    @Override
    public long readv(int fd, long iovec, int count) {
        return below.readv(fd, iovec, count);
    }

    @Override
    public int fcntl(int fd, int command, int argument) {
        return below.fcntl(fd, command, argument);
    }

    @Override
    public int pipe2(long fds, int flags) {
        return below.pipe2(fds, flags);
    }

    @Override
    public int eventfd(int initial, int flags) {
        return below.eventfd(initial, flags);
    }

    @Override
    public int timerfdCreate(int clock, int flags) {
        return below.timerfdCreate(clock, flags);
    }

    @Override
    public int timerfdSettime(int fd, int flags, long value, long old) {
        return below.timerfdSettime(fd, flags, value, old);
    }

    @Override
    public int socket(int domain, int type, int protocol) {
        return below.socket(domain, type, protocol);
    }

    @Override
    public int socketpair(int domain, int type, int protocol, long fds) {
        return below.socketpair(domain, type, protocol, fds);
    }

    @Override
    public int bind(int fd, long sockaddr, int length) {
        return below.bind(fd, sockaddr, length);
    }

    @Override
    public int listen(int fd, int backlog) {
        return below.listen(fd, backlog);
    }

    @Override
    public int accept4(int fd, long sockaddr, long lengthAddress, int flags) {
        return below.accept4(fd, sockaddr, lengthAddress, flags);
    }

    @Override
    public int connect(int fd, long sockaddr, int length) {
        return below.connect(fd, sockaddr, length);
    }

    @Override
    public int shutdown(int fd, int how) {
        return below.shutdown(fd, how);
    }

    @Override
    public int getsockname(int fd, long sockaddr, long lengthAddress) {
        return below.getsockname(fd, sockaddr, lengthAddress);
    }

    @Override
    public int getpeername(int fd, long sockaddr, long lengthAddress) {
        return below.getpeername(fd, sockaddr, lengthAddress);
    }

    @Override
    public int getsockopt(int fd, int level, int name, long value, long lengthAddress) {
        return below.getsockopt(fd, level, name, value, lengthAddress);
    }

    @Override
    public int setsockopt(int fd, int level, int name, long value, int length) {
        return below.setsockopt(fd, level, name, value, length);
    }

    @Override
    public long recv(int fd, long address, long length, int flags) {
        return below.recv(fd, address, length, flags);
    }

    @Override
    public long send(int fd, long address, long length, int flags) {
        return below.send(fd, address, length, flags);
    }

    @Override
    public long sendmsg(int fd, long msghdr, int flags) {
        return below.sendmsg(fd, msghdr, flags);
    }

    @Override
    public long recvmsg(int fd, long msghdr, int flags) {
        return below.recvmsg(fd, msghdr, flags);
    }

    @Override
    public int sendmmsg(int fd, long mmsghdrs, int count, int flags) {
        return below.sendmmsg(fd, mmsghdrs, count, flags);
    }

    @Override
    public int recvmmsg(int fd, long mmsghdrs, int count, int flags) {
        return below.recvmmsg(fd, mmsghdrs, count, flags);
    }

    @Override
    public int open(long path, int flags) {
        return below.open(path, flags);
    }

    @Override
    public long pread(int fd, long address, long length, long offset) {
        return below.pread(fd, address, length, offset);
    }

    @Override
    public int statx(int directory, long path, int flags, int mask, long statx) {
        return below.statx(directory, path, flags, mask, statx);
    }

    @Override
    public long sendfile(int out, int in, long offset, long count) {
        return below.sendfile(out, in, offset, count);
    }

    @Override
    public long splice(int in, long inOffset, int out, long outOffset, long length, int flags) {
        return below.splice(in, inOffset, out, outOffset, length, flags);
    }

    @Override
    public int unlink(long path) {
        return below.unlink(path);
    }

    @Override
    public int inotifyInit(int flags) {
        return below.inotifyInit(flags);
    }

    @Override
    public int inotifyAddWatch(int fd, long path, int mask) {
        return below.inotifyAddWatch(fd, path, mask);
    }

    @Override
    public int epollCreate(int flags) {
        return below.epollCreate(flags);
    }

    @Override
    public int epollCtl(int epfd, int operation, int fd, long event) {
        return below.epollCtl(epfd, operation, fd, event);
    }

    @Override
    public int epollWait(int epfd, long events, int capacity, int timeoutMillis) {
        return below.epollWait(epfd, events, capacity, timeoutMillis);
    }

    @Override
    public int epollPwait2(int epfd, long events, int capacity, long timespec) {
        return below.epollPwait2(epfd, events, capacity, timespec);
    }

    @Override
    public int poll(long pollfds, long count, int timeoutMillis) {
        return below.poll(pollfds, count, timeoutMillis);
    }

    @Override
    public int schedSetaffinity(int thread, long length, long mask) {
        return below.schedSetaffinity(thread, length, mask);
    }
}
