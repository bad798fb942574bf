package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.sys.Due;
import io.netpark.simulation.kernel.Network;
import io.netpark.simulation.kernel.SimulatedKernel;
import io.netpark.simulation.schedule.Schedule;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

/** The scenes of {@link EndingsTest} on kernels in memory, each in a few orders of the threads. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ScheduledEndingsTest {

    private static final int ORDERS = 5;
    private static final int PORT = 7000;
    private static final ExecutorService THREADS = Executors.newCachedThreadPool();

    @AfterAll
    static void end() {
        THREADS.shutdown();
    }

    @TestFactory
    Stream<DynamicTest> callbacksComeInOrderAndOnceInEachOrderOfThreads() {
        return EndingsTest.scenes(List.of("loop", "pool"), (threads, reader, ending, place) -> {
            for (long seed = 1; seed <= ORDERS; seed++) {
                OnSchedule stage = new OnSchedule(seed);
                stage.schedule.run(() -> {
                    try (stage) {
                        new EndingScene(stage, threads, reader, ending, place).play();
                    }
                    return null;
                });
                assertEquals(List.of(), List.copyOf(stage.serving.descriptors()), "left open by the server");
                assertEquals(List.of(), List.copyOf(stage.dialing.descriptors()), "left open by the client");
            }
        });
    }

    private static final class OnSchedule implements EndingScene.Stage, AutoCloseable {
        final Schedule schedule;
        final SimulatedKernel serving;
        final SimulatedKernel dialing;
        private final InetSocketAddress address;
        private final Executor threads;
        private @Nullable CallbackClient client;

        OnSchedule(long seed) {
            schedule = new Schedule(seed);
            Network network = new Network(schedule);
            serving = network.host("server");
            dialing = network.host("client");
            address = new InetSocketAddress(network.address("server"), PORT);
            threads = schedule.over(THREADS);
        }

        @Override
        public EventLoopGroup group(Support.Reports reports) throws Exception {
            return EventLoopGroup.builder().name("server").loops(1).daemon(true).libc(serving).clock(schedule)
                    .watchdog(Due.INFINITE).reporter(reports).open();
        }

        @Override
        public CallbackServer.Builder server() {
            return CallbackServer.builder();
        }

        @Override
        public InetSocketAddress address() {
            return address;
        }

        @Override
        public @Nullable Workers workers(String kind) {
            return kind.equals("loop") ? null : Workers.on(threads);
        }

        @Override
        public EndingScene.Peer connect(CallbackServer server) throws Exception {
            client = CallbackClient.builder()
                    .loops(loops -> loops.name("client").loops(1).daemon(true).libc(dialing).clock(schedule).watchdog(Due.INFINITE))
                    .open();
            CompletableFuture<CallbackConnection> dialed = client.dial(address,
                    Callbacks.builder().onRequest((connection, in) -> in.position(in.limit())).build());
            schedule.await(dialed::isDone);
            return new ConnectionPeer(dialed.isCompletedExceptionally() ? null : dialed.join());
        }

        @Override
        public void await(String what, BooleanSupplier condition) {
            schedule.await(condition);
        }

        @Override
        public void elsewhere(Runnable action) {
            AtomicBoolean done = new AtomicBoolean();
            threads.execute(() -> {
                action.run();
                done.set(true);
            });
            schedule.await(done::get);
        }

        @Override
        public void close() {
            if (client != null) {
                client.close();
            }
        }
    }

    /** Null if the server was faster. */
    private record ConnectionPeer(@Nullable CallbackConnection connection, AtomicBoolean hasEnded) implements EndingScene.Peer {

        ConnectionPeer(@Nullable CallbackConnection connection) {
            this(connection, new AtomicBoolean());
        }

        @Override
        public void send(String text) throws Exception {
            if (connection != null) {
                connection.write(Support.bytes(text));
            }
        }

        @Override
        public void shutdownOutput() throws Exception {
            hasEnded.set(true);
            if (connection != null) {
                connection.shutdownOutput();
            }
        }

        @Override
        public boolean isOutputShutdown() {
            return hasEnded.get();
        }

        @Override
        public void reset() {
            if (connection != null) {
                connection.reset();
            }
        }

        @Override
        public void close() {
            if (connection != null) {
                connection.close();
            }
        }
    }
}
