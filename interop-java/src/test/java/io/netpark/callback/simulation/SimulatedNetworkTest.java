package io.netpark.callback.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.blocking.BlockingConnection;
import io.netpark.blocking.BlockingListener;
import io.netpark.blocking.BlockingPool;
import io.netpark.callback.CallbackClient;
import io.netpark.callback.CallbackConnection;
import io.netpark.callback.CallbackLease;
import io.netpark.callback.CallbackServer;
import io.netpark.callback.Callbacks;
import io.netpark.callback.Workers;
import io.netpark.core.pool.PoolOptions;
import io.netpark.core.sys.NetparkException;
import io.netpark.simulation.kernel.SimulatedKernel;
import io.netpark.simulation.link.LinkConditions;
import io.netpark.simulation.schedule.StuckException;
import io.netpark.simulation.schedule.Trace;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What {@link NetworkTest} promises to tests that are written in Java. */
@Timeout(120)
class SimulatedNetworkTest {

    private static final int PORT = 7000;
    private static final LinkConditions SLOW = LinkConditions.IDEAL.withLatency(Duration.ofMillis(30));

    @Test
    void oneSeedIsOneOrderOfCallbacksWorkersAndThreads() throws Exception {
        Set<Long> fingerprints = new HashSet<>();
        for (long seed = 1; seed <= 6; seed++) {
            Trace first = conversations(seed);
            Trace second = conversations(seed);
            assertEquals(first.last(4096), second.last(4096), "seed " + seed);
            assertEquals(first.fingerprint(), second.fingerprint(), "seed " + seed);
            fingerprints.add(first.fingerprint());
        }
        assertTrue(fingerprints.size() > 3, "orders: " + fingerprints);
    }

    /** A client with callbacks and two threads that wait are answered by workers. */
    private static Trace conversations(long seed) throws Exception {
        List<Trace> traces = new ArrayList<>();
        NetworkTest.run(seed, test -> {
            traces.add(test.schedule().trace());
            TestHost server = test.host("server");
            TestHost client = test.host("client");
            test.network().between("server", "client", SLOW.withJitter(Duration.ofMillis(5)));
            CompletableFuture<String> answer = new CompletableFuture<>();
            try (CallbackServer echo = server.server().workers(Workers.on(test.threads()))
                            .onRequest((connection, in) -> connection.write(in)).listen(server.address(PORT));
                    CallbackClient asking = client.client().open()) {
                asking.dial("server", PORT, Callbacks.builder().onConnect(connection -> connection.write(bytes("one")))
                        .onRequest((connection, in) -> {
                            answer.complete(text(in));
                            connection.close();
                        }).build());
                Future<String> two = test.start(() -> ask(client, "two"));
                Future<String> three = test.start(() -> ask(client, "three"));
                assertEquals("three", test.await(three));
                assertEquals("two", test.await(two));
                assertEquals("one", test.await(answer));
                test.await(() -> echo.connections() == 0 && asking.connections() == 0);
            }
        });
        return traces.get(0);
    }

    private static String ask(TestHost client, String text) throws IOException {
        try (BlockingPool pool = new BlockingPool(client.dialer(), PoolOptions.DEFAULT)) {
            return pool.use("server", PORT, connection -> {
                connection.write(text.getBytes(StandardCharsets.UTF_8));
                return connection.awaitString(text.length());
            });
        }
    }

    private static ByteBuffer bytes(String text) {
        return StandardCharsets.UTF_8.encode(text);
    }

    private static String text(ByteBuffer in) {
        return StandardCharsets.UTF_8.decode(in).toString();
    }

    @Test
    void clientsAndTheirPoolsDialByTheNamesOfHosts() throws Exception {
        NetworkTest.run(1, test -> {
            TestHost server = test.host("db.internal");
            TestHost client = test.host("client");
            test.network().between("db.internal", "client", SLOW);
            try (CallbackServer echo = server.server().onRequest((connection, in) -> connection.write(in)).listen(server.address(PORT));
                    CallbackClient asking = client.client().open()) {
                CallbackConnection connection = test.await(asking.dial("db.internal", echo.port(), silent()));
                assertEquals(60, test.elapsed().toMillis());
                connection.close();
                CallbackLease lease = test.await(asking.newPool().borrow("db.internal", PORT, silent()));
                lease.connection().close();
                assertEquals(120, test.elapsed().toMillis());
                ExecutionException failure = assertThrows(ExecutionException.class,
                        () -> test.await(asking.dial("db.external", PORT, silent())));
                assertTrue(failure.getCause() instanceof NetparkException.UnknownHost, failure.toString());
            }
        });
    }

    private static Callbacks silent() {
        return Callbacks.builder().ignoreInput().build();
    }

    @Test
    void aHostMayHaveSeveralGroups() throws Exception {
        NetworkTest.run(2, test -> {
            TestHost server = test.host("server");
            assertSame(server, test.host("server"));
            assertSame(server.loops(), server.loops());
            assertEquals("server-loop-0", server.loops().loops().get(0).toString());
            assertEquals("server-2-loop-1", server.loops(2, loops -> loops.metrics(true)).loops().get(1).toString());
        });
    }

    @Test
    void timePassesAtOnceAndOnlyWhenNobodyHasAnythingToDo() throws Exception {
        NetworkTest.run(3, test -> {
            Future<Duration> later = test.start(() -> {
                test.advanceTimeBy(Duration.ofHours(2));
                return test.elapsed();
            });
            test.advanceTimeBy(Duration.ofHours(1));
            assertEquals(Duration.ofHours(1), test.elapsed());
            assertEquals(Duration.ofHours(2), test.await(later));
        });
    }

    @Test
    void aFailureHasTheSeedAndTheLastCallsWithIt() {
        AssertionError failure = assertThrows(AssertionError.class, () -> NetworkTest.run(LongStream.rangeClosed(6, 9), test -> {
            test.host("server").loops();
            throw new AssertionError("no");
        }));
        String note = failure.getSuppressed()[0].getMessage();
        assertTrue(note.contains("seed 6 does that again"), note);
        assertTrue(note.contains("test 1 epollCreate() = "), note);
    }

    @Test
    void whoeverIsStuckIsReportedWithTheConnectionAndTheCallback() {
        StuckException stuck = assertThrows(StuckException.class, () -> NetworkTest.run(7, test -> {
            TestHost server = test.host("server");
            server.server().onRequest((connection, in) -> connection.write(in)).listen(server.address(PORT));
            CompletableFuture<String> answer = new CompletableFuture<>();
            test.host("client").client().open().dial("server", PORT,
                    Callbacks.builder().onRequest((connection, in) -> answer.complete("never")).build());
            test.await(answer);
        }));
        String report = stuck.getMessage();
        assertTrue(report.contains("test 1 waits for a condition"), report);
        assertTrue(report.contains("server-loop-0 waits in epollWait("), report);
        assertTrue(report.contains("connection to 10.0.0.1:7000"), report);
        assertTrue(report.contains("connection to 10.0.0.2:"), report);
        String parked = "parked to read: onRequest " + SimulatedNetworkTest.class.getName();
        assertTrue(report.indexOf(parked) < report.lastIndexOf(parked), report); // both sides
    }

    @Test
    void whoeverIsStuckIsReportedWithTheConnectionAndTheLineOfAThread() {
        StuckException stuck = assertThrows(StuckException.class, () -> NetworkTest.run(8, test -> {
            TestHost server = test.host("server");
            try (BlockingListener listener = BlockingListener.listen(server.loops(), server.address(PORT))) {
                Future<String> line = test.start(() -> {
                    try (BlockingConnection accepted = listener.accept()) {
                        return accepted.awaitLine();
                    }
                });
                try (BlockingConnection client = BlockingConnection.dial(test.host("client").loops(), listener.localAddress())) {
                    client.write(new byte[] {'x'});
                    test.await(line);
                }
            }
        }));
        String report = stuck.getMessage();
        assertTrue(report.contains("connection to 10.0.0.2:"), report);
        assertTrue(report.contains("parked to read: thread "), report);
        assertTrue(report.contains(BlockingConnection.class.getPackageName() + ".BlockingInput.fill("), report);
        assertTrue(report.contains(SimulatedNetworkTest.class.getName() + ".lambda$"), report);
    }

    @Test
    void whatAThreadThrowsIsTheFailureOfTheTestUnlessThatHasHeardOfIt() throws Exception {
        NetworkTest.run(9, test -> {
            Future<Object> failing = test.start(() -> {
                throw new IOException("heard of");
            });
            assertThrows(ExecutionException.class, () -> test.await(failing));
        });
        IOException failure = assertThrows(IOException.class, () -> NetworkTest.run(9, test -> {
            test.start(() -> {
                throw new IOException("not heard of");
            });
            test.advanceTimeBy(Duration.ofSeconds(1));
        }));
        assertEquals("not heard of", failure.getMessage());
        StuckException stuck = assertThrows(StuckException.class, () -> NetworkTest.run(9, test -> {
            test.start(() -> {
                throw new IOException("the cause");
            });
            test.await(new CompletableFuture<String>());
        }));
        assertEquals("the cause", stuck.getSuppressed()[0].getMessage());
    }

    @Test
    void whatTheTestHasStartedEndsWithIt() throws Exception {
        AtomicBoolean ended = new AtomicBoolean();
        NetworkTest.run(10, test -> {
            TestHost server = test.host("server");
            BlockingListener listener = BlockingListener.listen(server.loops(), server.address(PORT));
            test.start(() -> {
                assertThrows(NetparkException.Closed.class, listener::accept);
                ended.set(true);
                return null;
            });
            test.advanceTimeBy(Duration.ofHours(1));
        });
        assertTrue(ended.get());
    }

    @Test
    void nothingIsLeftOpenWhateverTheTestLeaves() throws Exception {
        for (long seed = 1; seed <= 10; seed++) {
            List<SimulatedKernel> kernels = new ArrayList<>();
            NetworkTest.run(seed, test -> {
                TestHost server = test.host("server");
                TestHost client = test.host("client");
                kernels.add(server.kernel());
                kernels.add(client.kernel());
                server.server().onRequest((connection, in) -> connection.write(in)).listen(server.address(PORT));
                test.await(client.client().open().dial("server", PORT, silent()));
            });
            for (SimulatedKernel kernel : kernels) {
                assertEquals(Set.of(), Set.copyOf(kernel.descriptors()));
            }
        }
    }

    @Test
    void aDescriptorThatNobodyClosesIsToldAtTheEnd() {
        AssertionError leak = assertThrows(AssertionError.class,
                () -> NetworkTest.run(11, test -> test.host("server").kernel().eventfd(0, 0)));
        assertEquals("left open on server: the descriptors [3]", leak.getMessage());
    }
}
