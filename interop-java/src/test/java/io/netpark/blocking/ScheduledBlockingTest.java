package io.netpark.blocking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.net.streams.PeerState;
import io.netpark.core.pool.PoolOptions;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import io.netpark.simulation.kernel.Network;
import io.netpark.simulation.kernel.SimulatedKernel;
import io.netpark.simulation.link.LinkConditions;
import io.netpark.simulation.schedule.Schedule;
import io.netpark.simulation.schedule.StuckException;
import io.netpark.simulation.schedule.Trace;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Threads that wait for connections and bytes run in the order of a seed, and wait by the time of the simulation. */
@Timeout(120)
class ScheduledBlockingTest {

    private static final Duration HOUR = Duration.ofHours(1);

    private final ExecutorService threads = Executors.newCachedThreadPool();

    @AfterEach
    void end() {
        threads.shutdown();
    }

    /** A server and a client, and threads that take part in their order. */
    private final class Scene implements AutoCloseable {
        final Schedule schedule;
        final Network network;
        final EventLoopGroup client;
        final BlockingListener listener;
        private final EventLoopGroup server;
        private final Executor executor;

        Scene(Schedule schedule) throws IOException {
            this.schedule = schedule;
            network = new Network(schedule);
            executor = schedule.over(threads);
            server = loops("server");
            client = loops("client");
            network.between("server", "client", LinkConditions.IDEAL.withLatency(Duration.ofMillis(3)).withJitter(Duration.ofMillis(3)));
            listener = BlockingListener.listen(server, new InetSocketAddress(network.address("server"), 7000));
        }

        private EventLoopGroup loops(String name) throws IOException {
            SimulatedKernel kernel = network.host(name);
            return EventLoopGroup.builder().name(name).loops(2).daemon(true).libc(kernel).clock(schedule).watchdog(Due.INFINITE).open();
        }

        <T> FutureTask<T> start(Callable<T> body) {
            FutureTask<T> task = new FutureTask<>(body);
            executor.execute(task);
            return task;
        }

        FutureTask<?> serve(BlockingHandler handler) {
            return start(() -> {
                listener.serve(executor, handler, null);
                return null;
            });
        }

        BlockingConnection dial() throws IOException {
            return BlockingConnection.dial(client, listener.localAddress());
        }

        @Override
        public void close() {
            listener.close();
            client.close();
            server.close();
        }
    }

    private interface Body {
        void run(Scene scene) throws Exception;
    }

    private Schedule inScene(long seed, Body body) throws Exception {
        Schedule schedule = new Schedule(seed);
        return schedule.run(() -> {
            try (Scene scene = new Scene(schedule)) {
                body.run(scene);
            }
            return schedule;
        });
    }

    @Test
    void oneSeedIsOneOrder() throws Exception {
        Set<Long> fingerprints = new HashSet<>();
        for (long seed = 1; seed <= 8; seed++) {
            Trace first = inScene(seed, this::conversations).trace();
            Trace second = inScene(seed, this::conversations).trace();
            assertEquals(first.last(4096), second.last(4096), "seed " + seed);
            assertEquals(first.fingerprint(), second.fingerprint(), "seed " + seed);
            fingerprints.add(first.fingerprint());
        }
        assertTrue(fingerprints.size() > 4, "orders: " + fingerprints);
    }

    /** Clients of a pool that is smaller than they are many ask a server that is sometimes slower than they are patient. */
    private void conversations(Scene scene) throws Exception {
        FutureTask<?> served = scene.serve(connection -> {
            connection.setReadTimeout(HOUR);
            while (connection.awaitRequest()) {
                int wait = connection.reader().takeByte();
                scene.schedule.sleep(Duration.ofMillis(wait));
                connection.write(new byte[] {(byte) wait});
            }
        });
        try (BlockingPool pool = new BlockingPool(scene.client, PoolOptions.DEFAULT.withMaxPerDestination(2))) {
            List<FutureTask<String>> clients = new ArrayList<>();
            for (int wait : new int[] {5, 90, 30, 100, 1}) {
                clients.add(scene.start(() -> outcome(scene, pool, wait)));
            }
            List<String> outcomes = new ArrayList<>();
            for (FutureTask<String> client : clients) {
                outcomes.add(scene.schedule.await(client));
            }
            assertEquals(List.of("5", "READ", "30", "READ", "1"), outcomes);
        }
        assertEquals(0, scene.listener.shutdown(Shutdown.within(HOUR)).cut());
        scene.schedule.await(served);
    }

    private static String outcome(Scene scene, BlockingPool pool, int wait) throws IOException {
        try {
            return pool.use(scene.listener.localAddress(), connection -> {
                connection.setReadTimeout(Duration.ofMillis(60));
                connection.write(new byte[] {(byte) wait});
                byte[] answer = new byte[1];
                assertEquals(1, connection.read(answer));
                return String.valueOf(answer[0]);
            });
        } catch (NetparkException.TimedOut e) {
            return e.timeout().toString();
        }
    }

    @Test
    void timesPassAtOnce() throws Exception {
        inScene(1, scene -> {
            try (BlockingConnection client = scene.dial(); BlockingConnection accepted = scene.listener.accept()) {
                client.setReadTimeout(HOUR);
                takesAnHour(scene, () -> assertThrows(NetparkException.TimedOut.class, () -> client.read(new byte[1])));
                takesAnHour(scene, () -> client.awaitPeerClosed(HOUR));
                takesAnHour(scene, () -> assertThrows(NetparkException.TimedOut.class, () -> scene.listener.accept(HOUR)));
                assertEquals(PeerState.PRESENT, accepted.peerState());
            }
            scene.network.isolate("server");
            takesAnHour(scene, () -> assertThrows(NetparkException.TimedOut.class, () -> {
                try (BlockingPool pool = new BlockingPool(scene.client, PoolOptions.DEFAULT)) {
                    pool.borrow(scene.listener.localAddress(), HOUR);
                }
            }));
        });
    }

    private static void takesAnHour(Scene scene, Callable<?> wait) throws Exception {
        Duration begin = scene.schedule.elapsed();
        wait.call();
        assertEquals(60, scene.schedule.elapsed().minus(begin).toMinutes());
    }

    @Test
    void threadsThatAcceptHaveTheirTurns() throws Exception {
        inScene(2, scene -> {
            List<Integer> accepted = Collections.synchronizedList(new ArrayList<>());
            List<FutureTask<?>> accepting = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                accepting.add(scene.start(() -> {
                    try (BlockingConnection connection = scene.listener.accept(HOUR)) {
                        byte[] number = new byte[1];
                        connection.read(number);
                        accepted.add((int) number[0]);
                    }
                    return null;
                }));
            }
            FutureTask<?> impatient = scene.start(() -> assertThrows(NetparkException.TimedOut.class,
                    () -> scene.listener.accept(Duration.ofSeconds(1))));
            scene.schedule.await(impatient);
            for (int i = 0; i < 3; i++) {
                try (BlockingConnection connection = scene.dial()) {
                    connection.write(new byte[] {(byte) i});
                    connection.awaitPeerClosed(HOUR);
                }
            }
            for (FutureTask<?> each : accepting) {
                scene.schedule.await(each);
            }
            assertEquals(List.of(0, 1, 2), accepted);
            assertTrue(scene.schedule.elapsed().compareTo(HOUR) < 0);
        });
    }

    @Test
    void copiesAreWaitedFor() throws Exception {
        inScene(3, scene -> {
            FutureTask<?> served = scene.serve(connection -> connection.copyTo(connection, Long.MAX_VALUE));
            try (BlockingConnection client = scene.dial()) {
                client.write("there and back".getBytes());
                client.shutdownOutput();
                assertEquals("there and back", new String(client.asInputStream().readAllBytes()));
            }
            scene.listener.close();
            scene.schedule.await(served);
        });
    }

    @Test
    void theListenersOwnThreadsHaveTheirTurns() throws Exception {
        assertEquals(served(6), served(6));
    }

    private long served(long seed) throws Exception {
        return inScene(seed, scene -> {
            FutureTask<?> served = scene.start(() -> {
                scene.listener.serve(connection -> connection.copyTo(connection));
                return null;
            });
            List<FutureTask<String>> clients = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                clients.add(scene.start(() -> {
                    try (BlockingConnection client = scene.dial()) {
                        client.write("there and back".getBytes());
                        client.shutdownOutput();
                        return new String(client.asInputStream().readAllBytes());
                    }
                }));
            }
            for (FutureTask<String> client : clients) {
                assertEquals("there and back", scene.schedule.await(client));
            }
            scene.listener.close();
            scene.schedule.await(served);
        }).trace().fingerprint();
    }

    @Test
    void anInterruptEndsAWaitAndNothingIsReadMeanwhile() throws Exception {
        inScene(4, scene -> {
            try (BlockingConnection client = scene.dial(); BlockingConnection accepted = scene.listener.accept()) {
                Thread[] reader = new Thread[1];
                FutureTask<Boolean> reading = scene.start(() -> {
                    reader[0] = Thread.currentThread();
                    assertThrows(InterruptedIOException.class, () -> accepted.read(new byte[1]));
                    return Thread.interrupted();
                });
                scene.schedule.sleep(HOUR);
                reader[0].interrupt();
                assertTrue(scene.schedule.await(reading));
                client.write(new byte[] {7});
                byte[] heard = new byte[1];
                assertEquals(1, accepted.read(heard));
                assertEquals(7, heard[0]);
            }
        });
    }

    @Test
    void aReadThatNobodyAnswersIsReportedAndIsNotGoingOnAnyMore() throws Exception {
        inScene(5, scene -> {
            try (BlockingConnection client = scene.dial(); BlockingConnection accepted = scene.listener.accept()) {
                StuckException stuck = assertThrows(StuckException.class, () -> client.read(new byte[1]));
                assertTrue(stuck.getMessage().contains("test 1 waits for a condition"), stuck.getMessage());
                accepted.write(new byte[] {1});
                assertEquals(1, client.read(new byte[1]));
            }
        });
    }
}
