package io.netpark.simulation.kernel;

import io.netpark.core.sys.Binding;
import io.netpark.core.sys.Clock;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.FileName;
import io.netpark.core.sys.LibC;
import io.netpark.simulation.description.Failure;
import io.netpark.simulation.description.FileTree;
import io.netpark.simulation.description.IoVector;
import io.netpark.simulation.description.UserMemory;
import io.netpark.simulation.network.Host;
import io.netpark.simulation.schedule.Schedule;
import io.netpark.simulation.schedule.Timeline;
import io.netpark.simulation.socket.TcpSocket;
import io.netpark.simulation.socket.UdpSocket;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Collection;
import java.util.function.LongSupplier;

/**
 * A Linux kernel in memory, as far as Netpark needs one: descriptors and what they stand for, sockets, pipes and epoll. Nothing of it is
 * seen by the kernel of this machine: a socket has no port there, and a path no file.
 *
 * <pre>{@code
 * SimulatedKernel kernel = new SimulatedKernel(Clock.SYSTEM);
 * EventLoopGroup group = EventLoopGroup.builder().libc(kernel).clock(kernel.clock()).open();
 * }</pre>
 *
 * <p>It answers as the manual pages and the kernel's sources say. What it does not have answers as a kernel without it: inotify with
 * ENOSYS, other families, protocols and options with the errors that mean so. What is left out of a kind of descriptor is on the pages of
 * the packages. An address that is neither null nor the program's is the end of the process, as for any native code.
 *
 * <p>Any thread may call it; the calls happen one after the other. A call that waits does so by the clock. If the clock is a
 * {@link Schedule}, the order of the calls is the schedule's.
 */
public final class SimulatedKernel implements LibC {

    private final Timeline timeline;
    private final Limits limits = new Limits();
    private final FileTree tree = new FileTree();
    private final DescriptorTable table = new DescriptorTable(limits);
    private final ByteCalls bytes;
    private final SocketCalls sockets;
    private final MessageCalls messages;
    private final FileCalls files;
    private final ReadinessCalls readiness;

    /**
     * The kernel of a host that has loopback only.
     *
     * @param clock also that of the event loops that run on it
     */
    public SimulatedKernel(Clock clock) {
        this(new Host<>(new Timeline(clock)));
    }

    /** The kernel of a host among others. */
    SimulatedKernel(Host<TcpSocket, UdpSocket> host) {
        this.timeline = host.timeline();
        Waiting waiting = new Waiting(timeline);
        this.bytes = new ByteCalls(table, waiting, timeline);
        this.sockets = new SocketCalls(table, waiting, host, tree);
        this.messages = new MessageCalls(sockets, waiting, new Control(table));
        this.files = new FileCalls(table, waiting, tree);
        this.readiness = new ReadinessCalls(table, waiting);
    }

    /** The clock by which calls wait. */
    public Clock clock() {
        return timeline.clock();
    }

    /** How many descriptors there can be. */
    public Limits limits() {
        return limits;
    }

    /** The numbers of the descriptors that are open, at this moment. */
    public Collection<Integer> descriptors() {
        return timeline.look(table::numbers);
    }

    /**
     * Makes a regular file, or gives one another content; who has it open goes on with what was there.
     *
     * @param modified when that was, by whichever calendar
     */
    public void writeFile(String path, byte[] content, Instant modified) {
        call("writeFile", -1, () -> {
            tree.write(FileName.bytes(path), content, modified);
            return 0;
        });
    }

    /** A call that is made at once. */
    private long call(String name, int fd, LongSupplier call) {
        return enter(name, fd, false, call);
    }

    /** A call before which other threads may have their turn: one that moves bytes or connections, or waits. */
    private long step(String name, int fd, LongSupplier call) {
        return enter(name, fd, true, call);
    }

    private long enter(String name, int fd, boolean mayPass, LongSupplier call) {
        return timeline.enter(name, fd, mayPass, () -> {
            try {
                return call.getAsLong();
            } catch (Failure e) {
                return -e.errno();
            }
        });
    }

    @Override
    public Binding binding() {
        return Binding.SIMULATED;
    }

    @Override
    public int close(int fd) {
        return (int) call("close", fd, () -> table.close(fd));
    }

    @Override
    public long read(int fd, long address, long length) {
        return step("read", fd, () -> bytes.read(fd, IoVector.at(address, length)));
    }

    @Override
    public long write(int fd, long address, long length) {
        return step("write", fd, () -> bytes.write(fd, IoVector.at(address, length)));
    }

    @Override
    public long readv(int fd, long iovec, int count) {
        return step("readv", fd, () -> bytes.read(fd, IoVector.scattered(iovec, count, Errno.EINVAL)));
    }

    @Override
    public int fcntl(int fd, int command, int argument) {
        return (int) call("fcntl", fd, () -> bytes.fcntl(fd, command, argument));
    }

    @Override
    public int pipe2(long fds, int flags) {
        return (int) call("pipe2", -1, () -> bytes.pipe(fds, flags));
    }

    @Override
    public int eventfd(int initial, int flags) {
        return (int) call("eventfd", -1, () -> bytes.eventfd(initial, flags));
    }

    @Override
    public int timerfdCreate(int clock, int flags) {
        return (int) call("timerfdCreate", -1, () -> bytes.timer(clock, flags));
    }

    @Override
    public int timerfdSettime(int fd, int flags, long value, long old) {
        return (int) call("timerfdSettime", fd, () -> bytes.setTimer(fd, flags, value, old));
    }

    @Override
    public int socket(int domain, int type, int protocol) {
        return (int) call("socket", -1, () -> sockets.socket(domain, type, protocol));
    }

    @Override
    public int socketpair(int domain, int type, int protocol, long fds) {
        return (int) call("socketpair", -1, () -> sockets.pair(domain, type, protocol, fds));
    }

    @Override
    public int bind(int fd, long sockaddr, int length) {
        return (int) call("bind", fd, () -> sockets.bind(fd, sockaddr, length));
    }

    @Override
    public int listen(int fd, int backlog) {
        return (int) call("listen", fd, () -> sockets.listen(fd, backlog));
    }

    @Override
    public int accept4(int fd, long sockaddr, long lengthAddress, int flags) {
        return (int) step("accept4", fd, () -> sockets.accept(fd, sockaddr, lengthAddress, flags));
    }

    @Override
    public int connect(int fd, long sockaddr, int length) {
        return (int) step("connect", fd, () -> sockets.connect(fd, sockaddr, length));
    }

    @Override
    public int shutdown(int fd, int how) {
        return (int) call("shutdown", fd, () -> sockets.shutdown(fd, how));
    }

    @Override
    public int getsockname(int fd, long sockaddr, long lengthAddress) {
        return (int) call("getsockname", fd, () -> sockets.localName(fd, sockaddr, lengthAddress));
    }

    @Override
    public int getpeername(int fd, long sockaddr, long lengthAddress) {
        return (int) call("getpeername", fd, () -> sockets.remoteName(fd, sockaddr, lengthAddress));
    }

    @Override
    public int getsockopt(int fd, int level, int name, long value, long lengthAddress) {
        return (int) call("getsockopt", fd, () -> sockets.option(fd, level, name, value, lengthAddress));
    }

    @Override
    public int setsockopt(int fd, int level, int name, long value, int length) {
        return (int) call("setsockopt", fd, () -> sockets.setOption(fd, level, name, value, length));
    }

    @Override
    public long recv(int fd, long address, long length, int flags) {
        return step("recv", fd, () -> messages.receive(fd, IoVector.at(address, length), flags));
    }

    @Override
    public long send(int fd, long address, long length, int flags) {
        return step("send", fd, () -> messages.send(fd, IoVector.at(address, length), flags));
    }

    @Override
    public long sendmsg(int fd, long msghdr, int flags) {
        return step("sendmsg", fd, () -> messages.sendMessage(fd, msghdr, flags));
    }

    @Override
    public long recvmsg(int fd, long msghdr, int flags) {
        return step("recvmsg", fd, () -> messages.receiveMessage(fd, msghdr, flags));
    }

    @Override
    public int sendmmsg(int fd, long mmsghdrs, int count, int flags) {
        return (int) step("sendmmsg", fd, () -> messages.sendMessages(fd, mmsghdrs, count, flags));
    }

    @Override
    public int recvmmsg(int fd, long mmsghdrs, int count, int flags) {
        return (int) step("recvmmsg", fd, () -> messages.receiveMessages(fd, mmsghdrs, count, flags));
    }

    @Override
    public int open(long path, int flags) {
        return (int) call("open", -1, () -> files.open(path, flags));
    }

    @Override
    public long pread(int fd, long address, long length, long offset) {
        return call("pread", fd, () -> files.read(fd, address, length, offset));
    }

    @Override
    public int statx(int directory, long path, int flags, int mask, long statx) {
        return (int) call("statx", -1, () -> files.statx(directory, path, flags, statx));
    }

    @Override
    public long sendfile(int out, int in, long offset, long count) {
        return step("sendfile", out, () -> files.send(out, in, offset, count));
    }

    @Override
    public long splice(int in, long inOffset, int out, long outOffset, long length, int flags) {
        return step("splice", in, () -> files.splice(in, inOffset, out, outOffset, length, flags));
    }

    @Override
    public int unlink(long path) {
        return (int) call("unlink", -1, () -> files.unlink(path));
    }

    @Override
    public int inotifyInit(int flags) {
        return -Errno.ENOSYS;
    }

    @Override
    public int inotifyAddWatch(int fd, long path, int mask) {
        return -Errno.ENOSYS;
    }

    @Override
    public int epollCreate(int flags) {
        return (int) call("epollCreate", -1, () -> readiness.create(flags));
    }

    @Override
    public int epollCtl(int epfd, int operation, int fd, long event) {
        return (int) call("epollCtl", epfd, () -> readiness.control(epfd, operation, fd, event));
    }

    @Override
    public int epollWait(int epfd, long events, int capacity, int timeoutMillis) {
        return (int) step("epollWait", epfd, () -> readiness.await(epfd, events, capacity, ReadinessCalls.nanosOfMillis(timeoutMillis)));
    }

    @Override
    public int epollPwait2(int epfd, long events, int capacity, long timespec) {
        return (int) step("epollPwait2", epfd, () -> readiness.await(epfd, events, capacity, ReadinessCalls.nanosAt(timespec)));
    }

    @Override
    public int poll(long pollfds, long count, int timeoutMillis) {
        return (int) step("poll", -1, () -> readiness.poll(pollfds, count, ReadinessCalls.nanosOfMillis(timeoutMillis)));
    }

    /** All processors are one here: any choice is fine but that of none. */
    @Override
    public int schedSetaffinity(int thread, long length, long mask) {
        return (int) call("schedSetaffinity", -1, () -> {
            ByteBuffer processors = UserMemory.at(mask, length);
            while (processors.hasRemaining()) {
                if (processors.get() != 0) {
                    return 0;
                }
            }
            return -Errno.EINVAL;
        });
    }

    @Override
    public String toString() {
        return "a simulated kernel";
    }
}
