package io.netpark.blocking;

import io.netpark.callback.Flavour;
import io.netpark.callback.ScheduledRun;
import io.netpark.callback.Support;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.dialing.Dialer;
import io.netpark.core.net.listening.Admission;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.poll.Poller;
import io.netpark.core.report.Reporter;
import io.netpark.core.sys.Binding;
import io.netpark.core.sys.UnixAddress;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** What the tests of this package run on: a binding, a poller, a family of addresses, TLS or not, and whether threads are virtual. */
record Setting(Binding binding, Poller.Factory pollers, Family family, Flavour flavour, boolean virtual) {

    enum Family { IPV4, IPV6, UNIX }

    private static final AtomicInteger NAMES = new AtomicInteger();

    /** A thread that runs something. */
    record Started<T>(Thread thread, FutureTask<T> task) {
        T get() throws Exception {
            return Support.get(task);
        }

        /** Until it waits, or has ended. */
        void awaitWaiting() throws InterruptedException {
            if (ScheduledRun.current() != null) {
                Support.awaitState(thread, Thread.State.WAITING);
                return;
            }
            Thread.State state = thread.getState();
            while (state != Thread.State.WAITING && state != Thread.State.TIMED_WAITING && !task.isDone()) {
                Thread.sleep(1);
                state = thread.getState();
            }
        }
    }

    interface Body {
        void run(BlockingConnection client, BlockingConnection server) throws Exception;
    }

    /** All bindings, pollers and kinds of threads over IPv4, and one of each with the other families; and TLS with one binding. */
    static List<Setting> all() {
        if (ScheduledRun.isOn()) {
            return onSchedule();
        }
        List<Setting> all = new ArrayList<>();
        Binding last = Binding.JNA;
        for (Binding binding : Binding.values()) {
            if (binding.unavailability() == null) {
                last = binding;
                for (boolean virtual : kindsOfThreads()) {
                    all.add(new Setting(binding, Poller.EPOLL, Family.IPV4, Flavour.PLAIN, virtual));
                    all.add(new Setting(binding, Poller.POLL, Family.IPV4, Flavour.PLAIN, virtual));
                    all.add(new Setting(binding, Poller.EPOLL, Family.IPV6, Flavour.PLAIN, virtual));
                    all.add(new Setting(binding, Poller.EPOLL, Family.UNIX, Flavour.PLAIN, virtual));
                }
            }
        }
        all.add(new Setting(last, Poller.EPOLL, Family.IPV4, Flavour.TLS_1_3, false));
        all.add(new Setting(last, Poller.POLL, Family.IPV4, Flavour.TLS_1_3, kindsOfThreads().length > 1));
        all.add(new Setting(last, Poller.EPOLL, Family.IPV4, Flavour.TLS_1_2, false));
        return all;
    }

    /** In the order of each seed: its own poller, and that of most users with the others. */
    private static List<Setting> onSchedule() {
        return List.of(new Setting(Binding.SIMULATED, ScheduledRun.poller(), Family.IPV4, Flavour.PLAIN, false),
                new Setting(Binding.SIMULATED, Poller.EPOLL, Family.UNIX, Flavour.PLAIN, false),
                new Setting(Binding.SIMULATED, Poller.EPOLL, Family.IPV6, Flavour.TLS_1_3, false));
    }

    /** Without TLS, whose dials wait for the accept. */
    static List<Setting> plain() {
        return all().stream().filter(setting -> !setting.isTls()).toList();
    }

    private static boolean[] kindsOfThreads() {
        return Runtime.version().feature() >= 21 ? new boolean[] {false, true} : new boolean[1];
    }

    boolean isTls() {
        return flavour.isTls();
    }

    /** Whether a peer may still answer when this side has ended its output. Up to TLS 1.2 it may not (RFC 5246, 7.2.1). */
    boolean halfCloses() {
        return flavour != Flavour.TLS_1_2;
    }

    boolean isTcp() {
        return family != Family.UNIX;
    }

    SocketAddress address() {
        return switch (family) {
            case IPV4 -> new InetSocketAddress("127.0.0.1", 0);
            case IPV6 -> new InetSocketAddress("::1", 0);
            case UNIX -> UnixAddress.abstractName("netpark-blocking-" + ProcessHandle.current().pid() + "-" + NAMES.incrementAndGet());
        };
    }

    EventLoopGroup open(Reporter reporter) throws IOException {
        EventLoopGroup.Builder builder = Support.loops();
        if (binding != Binding.SIMULATED) {
            builder.libc(binding.open());
        }
        return builder.loops(1).metrics(true).pollers(pollers).reporter(reporter).open();
    }

    EventLoopGroup open() throws IOException {
        return open((what, cause) -> cause.printStackTrace());
    }

    /** For handlers, as many as there are connections. */
    static Executor threads() {
        ScheduledRun run = ScheduledRun.current();
        return run == null ? HandlerThreads.SHARED : run.schedule().overShared(HandlerThreads.SHARED);
    }

    <T> Started<T> start(Callable<T> body) {
        FutureTask<T> task = new FutureTask<>(body);
        if (!virtual) {
            Thread thread = Support.thread(task);
            thread.start();
            return new Started<>(thread, task);
        }
        try {
            return new Started<>((Thread) Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, task), task);
        } catch (NoSuchMethodException | IllegalAccessException | InvocationTargetException e) {
            throw new AssertionError(e);
        }
    }

    void withPair(Body body) throws Exception {
        try (EventLoopGroup group = open()) {
            withPair(group, body);
        }
    }

    void withPair(EventLoopGroup group, Body body) throws Exception {
        try (BlockingListener listener = listen(group)) {
            Started<BlockingConnection> accepting = start(() -> listener.accept(Duration.ofSeconds(10)));
            try (BlockingConnection client = dial(group, listener.localAddress()); BlockingConnection server = accepting.get()) {
                if (isTls()) {
                    server.awaitTls(); // the client's is over before, and what the test does next could cut this one off
                }
                body.run(client, server);
            }
        }
    }

    BlockingListener listen(EventLoopGroup group) throws IOException {
        return listen(group, null);
    }

    BlockingListener listen(EventLoopGroup group, @Nullable Admission admission) throws IOException {
        return BlockingListener.listen(group, address(), NetOptions.DEFAULT, admission, flavour.serverTls());
    }

    BlockingConnection dial(EventLoopGroup group, SocketAddress address) throws IOException {
        return BlockingConnection.dial(dialer(group), address);
    }

    Dialer dialer(EventLoopGroup group) {
        return Dialer.of(group).withTls(flavour.clientTls());
    }

    @Override
    public String toString() {
        return binding + " " + (pollers == Poller.EPOLL ? "epoll " : "poll ") + family + (isTls() ? " " + flavour : "") + (virtual ? " virtual threads" : " platform threads");
    }
}
