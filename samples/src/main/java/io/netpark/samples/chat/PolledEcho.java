package io.netpark.samples.chat;

import io.netpark.callback.poller.CallbackPoller;
import io.netpark.callback.poller.Events;
import io.netpark.callback.poller.Watch;
import io.netpark.core.linux.Linux;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.memory.NativeMemory;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import io.netpark.core.sys.SockAddr;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/**
 * WebSockets that send messages back, at the lowest level that Netpark has: system calls, and a {@link CallbackPoller} that
 * says when to make them. Each descriptor is watched one-shot. When it is ready, the event loop only hands it to a pool of
 * workers; a worker reads, answers and resumes the watch. So a client is served by one worker at a time, without a lock for
 * that, and a client that floods cannot be reported again before it has been served.
 *
 * <p>Most servers want {@link io.netpark.callback.CallbackServer}, which does all this, and without a system call to resume.
 */
public final class PolledEcho implements AutoCloseable {

    private static final int WORKERS = 4;
    private static final int BACKLOG = 1024;
    private static final int ACCEPTS_A_TURN = 64;
    /** Without descriptors or memory: when to try again. */
    private static final long ACCEPT_PAUSE_MILLIS = 100;

    private final EventLoop loop;
    private final LibC libc;
    private final CallbackPoller poller;
    private final ExecutorService workers;
    private final Set<PolledSocket> sockets = ConcurrentHashMap.newKeySet();
    private final int limit;
    private final long pingNanos;
    private final Duration drain;
    private final OpenDescriptor listening;
    private final InetSocketAddress address;
    private final ScheduledFuture<?> sweeping;

    /** Guarded by {@link #sockets}, as is the next. */
    private boolean full;
    private boolean closed;

    /**
     * Listens.
     *
     * @param loop where descriptors are watched; it outlives this
     * @param limit how many clients there may be; more wait to be accepted
     * @param ping after how long a silence a client is asked whether it is there, and after as long again dropped
     * @param drain how long clients have to say goodbye in {@link #close}
     * @throws NetparkException naming the address: in use, not of this machine, not permitted
     */
    public PolledEcho(EventLoop loop, InetSocketAddress address, int limit, Duration ping, Duration drain)
            throws NetparkException {
        this.loop = loop;
        this.libc = loop.libc();
        this.limit = limit;
        this.pingNanos = Due.nanos(ping);
        this.drain = drain;
        this.workers = Executors.newFixedThreadPool(WORKERS, task -> new Thread(task, "echo-worker"));
        int fd = checked(libc.socket(SockAddr.family(address),
                Linux.SOCK_STREAM | Linux.SOCK_NONBLOCK | Linux.SOCK_CLOEXEC, 0), "socket for " + address);
        this.listening = OpenDescriptor.of(libc, fd);
        this.poller = CallbackPoller.on(loop);
        try {
            this.address = listen(fd, address);
            poller.start(listening, Watch.READ.oneShot(), this::accept);
        } catch (NetparkException | RuntimeException e) {
            listening.close();
            throw e;
        }
        this.sweeping = loop.scheduleWithFixedDelay(this::sweep, pingNanos / 4, pingNanos / 4, TimeUnit.NANOSECONDS);
    }

    private InetSocketAddress listen(int fd, InetSocketAddress address) throws NetparkException {
        NativeMemory memory = NativeMemory.allocate(SockAddr.MAX_SIZE + Integer.BYTES);
        long length = memory.address() + SockAddr.MAX_SIZE;
        setOn(fd, Linux.SOL_SOCKET, Linux.SO_REUSEADDR);
        int size = SockAddr.write(memory.buffer(), 0, address);
        checked(libc.bind(fd, memory.address(), size), "bind to " + address);
        checked(libc.listen(fd, BACKLOG), "listen on " + address);
        memory.buffer().putInt(SockAddr.MAX_SIZE, SockAddr.MAX_SIZE);
        checked(libc.getsockname(fd, memory.address(), length), "getsockname of " + address);
        return (InetSocketAddress) SockAddr.read(memory.buffer(), 0, memory.buffer().getInt(SockAddr.MAX_SIZE));
    }

    private void setOn(int fd, int level, int option) throws NetparkException {
        NativeMemory one = NativeMemory.allocate(Integer.BYTES);
        one.buffer().putInt(0, 1);
        checked(libc.setsockopt(fd, level, option, one.address(), Integer.BYTES), "setsockopt " + option);
    }

    private static int checked(int result, String operation) throws NetparkException {
        if (result < 0) {
            throw NetparkException.of(-result, operation);
        }
        return result;
    }

    /** Where it listens, with the port that was chosen for 0. */
    public InetSocketAddress address() {
        return address;
    }

    // Accepting, on the loop

    private void accept(OpenDescriptor descriptor, Events events) throws NetparkException {
        if (events.isPollerClosed()) {
            return;
        }
        for (int i = 0; i < ACCEPTS_A_TURN; i++) {
            if (isFull()) {
                return; // not resumed: who comes waits in the backlog
            }
            int fd = libc.accept4(descriptor.number(), 0, 0, Linux.SOCK_NONBLOCK | Linux.SOCK_CLOEXEC);
            if (fd >= 0) {
                begin(fd);
            } else if (fd == -Errno.EAGAIN) {
                break;
            } else if (fd != -Errno.EINTR && fd != -Errno.ECONNABORTED) {
                loop.report("accepting pauses", NetparkException.of(-fd, "accept on " + address));
                loop.schedule(this::resumeAccepting, ACCEPT_PAUSE_MILLIS, TimeUnit.MILLISECONDS);
                return;
            }
        }
        poller.resume(descriptor);
    }

    private boolean isFull() {
        synchronized (sockets) {
            full = sockets.size() >= limit;
            return full;
        }
    }

    private void begin(int fd) {
        PolledSocket socket = new PolledSocket(this, fd);
        sockets.add(socket);
        try {
            setOn(fd, Linux.IPPROTO_TCP, Linux.TCP_NODELAY);
            poller.start(socket.descriptor(), Watch.READ.oneShot(), socket);
        } catch (NetparkException e) {
            loop.report("a client could not be watched", e);
            socket.close();
        }
    }

    private void resumeAccepting() {
        try {
            poller.resume(listening); // false, if it is closed meanwhile
        } catch (NetparkException e) {
            loop.report("accepting has ended", e);
        }
    }

    // For sockets

    LibC libc() {
        return libc;
    }

    CallbackPoller poller() {
        return poller;
    }

    /** Never waits. */
    void hand(Runnable task) {
        try {
            workers.execute(task);
        } catch (RejectedExecutionException e) {
            // Closed: and all sockets with it.
        }
    }

    void forget(PolledSocket socket) {
        boolean wasFull;
        synchronized (sockets) {
            sockets.remove(socket);
            sockets.notifyAll();
            wasFull = full;
            full = false;
        }
        if (wasFull) {
            resumeAccepting();
        }
    }

    // Time, and the end

    private void sweep() {
        long now = System.nanoTime();
        hand(() -> sockets.forEach(socket -> socket.tick(now, pingNanos)));
    }

    /** Stops accepting, says goodbye to all, gives them their time to answer that, and closes the rest. */
    @Override
    public void close() {
        synchronized (sockets) {
            if (closed) {
                return;
            }
            closed = true;
        }
        poller.stop(listening); // a barrier: accept is not entered again
        listening.close();
        sockets.forEach(socket -> hand(socket::goAway));
        awaitGoodbyes();
        sockets.forEach(PolledSocket::close);
        sweeping.cancel(false);
        workers.shutdown();
        poller.close();
    }

    private void awaitGoodbyes() {
        long end = loop.clock().after(drain);
        synchronized (sockets) {
            try {
                while (!sockets.isEmpty() && end - System.nanoTime() > 0) {
                    TimeUnit.NANOSECONDS.timedWait(sockets, end - System.nanoTime());
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt(); // no more time for them
            }
        }
    }
}
