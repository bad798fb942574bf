package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** More callbacks than workers have room for. */
@Timeout(120)
class OverloadTest {

    private final Support.Reports reports = new Support.Reports();
    private final SegmentPool pool = SegmentPool.builder().build();
    private final BlockingQueue<Optional<NetparkException>> causes = new LinkedBlockingQueue<>();
    private final BlockingQueue<Throwable> failures = new LinkedBlockingQueue<>();
    private final AtomicInteger onLoop = new AtomicInteger();
    private EventLoopGroup group;

    @BeforeEach
    void open() throws IOException {
        group = Support.group(2, reports);
    }

    @AfterEach
    void close() throws InterruptedException {
        group.close();
        Support.await("memory is back", () -> pool.statistics().lentBytes() == 0);
        assertEquals(0, onLoop.get());
    }

    private void noteWhere() {
        if (EventLoop.current() != null) {
            onLoop.incrementAndGet();
        }
    }

    private CallbackServer.Builder server(Workers workers) {
        return CallbackServer.builder().group(group).workers(workers).segments(pool)
                .onFailure((connection, failure) -> failures.add(failure))
                .onClose((connection, cause) -> causes.add(Optional.ofNullable(cause)));
    }

    private NetparkException cause() throws InterruptedException {
        Optional<NetparkException> cause = causes.poll(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
        assertTrue(cause != null, "not closed");
        return cause.orElse(null);
    }

    @Test
    void twoHundredConnectionsHaveAllTheirCallbacksByOneThread() throws Exception {
        int clients = 200;
        byte[] much = new byte[400_000];
        AtomicInteger connects = new AtomicInteger();
        AtomicInteger writables = new AtomicInteger();
        AtomicInteger halfCloses = new AtomicInteger();
        List<Socket> sockets = new ArrayList<>();
        try (Workers workers = Workers.pool(1, 1);
                CallbackServer server = server(workers)
                        .onConnect(connection -> {
                            noteWhere();
                            connects.incrementAndGet();
                        })
                        .onRequest((connection, in) -> {
                            noteWhere();
                            in.position(in.limit());
                            if (!connection.write(ByteBuffer.wrap(much))) {
                                connection.attach(connection);
                            } else {
                                connection.write(Support.bytes("."));
                            }
                        })
                        .onWritable(connection -> {
                            noteWhere();
                            writables.incrementAndGet();
                            if (connection.attachment() != null) {
                                connection.write(Support.bytes("."));
                            }
                        })
                        .onHalfClose(connection -> {
                            noteWhere();
                            halfCloses.incrementAndGet();
                            connection.write(Support.bytes("!"));
                            connection.closeAfterWrites();
                        })
                        .listen(Support.loopback())) {
            for (int i = 0; i < clients; i++) {
                sockets.add(Support.connect(server));
                Support.send(sockets.get(i), "x");
            }
            byte[] expected = new byte[much.length + 1];
            expected[much.length] = '.';
            for (Socket socket : sockets) {
                assertTrue(Arrays.equals(expected, socket.getInputStream().readNBytes(expected.length)));
                socket.shutdownOutput();
            }
            for (Socket socket : sockets) {
                assertEquals("!", Support.receiveAll(socket));
                socket.close();
            }
            Support.await("all are closed", () -> server.connections() == 0);
            assertEquals(clients, connects.get());
            assertEquals(clients, halfCloses.get());
            assertTrue(writables.get() > 0);
        }
        assertEquals(List.of(), List.copyOf(failures));
        assertEquals(List.of(), List.copyOf(reports.causes));
    }

    /** The only thread is in a callback, and the queue has another's. */
    private final class Full implements AutoCloseable {
        final CountDownLatch release = new CountDownLatch(1);
        final ConcurrentLinkedQueue<String> called = new ConcurrentLinkedQueue<>();
        final Workers workers;
        final CallbackServer server;
        final List<Socket> sockets = new ArrayList<>();
        final BlockingQueue<CallbackConnection> accepted = new LinkedBlockingQueue<>();

        Full(int threads, int queue) throws Exception {
            workers = Workers.pool(threads, queue);
            server = server(workers)
                    .onPrepare(connection -> accepted.add(connection))
                    .onRequest((connection, in) -> {
                        noteWhere();
                        if (called.isEmpty()) {
                            called.add(Support.take(in));
                            release.await();
                        } else {
                            called.add(Support.take(in));
                        }
                        connection.write(Support.bytes("."));
                    })
                    .listen(Support.loopback());
            request("0");
            Support.await("the thread is busy", () -> !called.isEmpty());
            if (queue > 0) {
                CallbackConnection queued = request("1");
                Support.await("it is in the queue", () -> queued.life.delivery().isOut());
            }
        }

        CallbackConnection request(String text) throws Exception {
            Socket socket = Support.connect(server);
            sockets.add(socket);
            CallbackConnection connection = accepted.poll(10, TimeUnit.SECONDS);
            Support.send(socket, text);
            return connection;
        }

        CallbackConnection waiting(String text) throws Exception {
            CallbackConnection connection = request(text);
            Support.await("it waits", () -> connection.life.delivery().isWaiting());
            return connection;
        }

        @Override
        public void close() throws IOException {
            release.countDown();
            server.close();
            workers.close();
            for (Socket socket : sockets) {
                socket.close();
            }
        }
    }

    @Test
    void thoseThatWaitHaveTheirTurnsInTheOrderInWhichTheyCame() throws Exception {
        try (Full full = new Full(1, 1)) {
            List<String> expected = new ArrayList<>(List.of("0", "1"));
            for (int i = 2; i < 20; i++) {
                full.waiting(Integer.toString(i));
                expected.add(Integer.toString(i));
            }
            full.release.countDown();
            for (Socket socket : full.sockets) {
                assertEquals(".", Support.receive(socket, 1));
            }
            assertEquals(expected, List.copyOf(full.called));
        }
    }

    @Test
    void whatWaitsIsNotReadAndGoesOnAfterwards() throws Exception {
        int size = 30_000_000;
        try (Full full = new Full(1, 0)) {
            CallbackConnection waiting = full.waiting("begin");
            Socket socket = full.sockets.get(1);
            CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> {
                try {
                    socket.getOutputStream().write(new byte[size]);
                    socket.shutdownOutput();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }, task -> new Thread(task).start());
            Thread.sleep(100);
            assertFalse(sent.isDone());
            assertTrue(pool.statistics().lentBytes() < 1_000_000, "" + pool.statistics().lentBytes());
            assertTrue(waiting.isOpen());
            full.release.countDown();
            sent.get(30, TimeUnit.SECONDS);
            socket.getInputStream().readAllBytes();
            assertEquals(size + 5, full.called.stream().skip(1).mapToInt(String::length).sum());
        }
    }

    @Test
    void aConnectionThatEndsWhileItWaitsIsToldAtOnceAndNotCalled() throws Exception {
        try (Full full = new Full(1, 1)) {
            full.waiting("gone");
            full.waiting("next");
            Support.reset(full.sockets.get(2));
            assertInstanceOf(NetparkException.Reset.class, cause()); // though the worker is still in the first callback
            assertInstanceOf(NetparkException.Reset.class, failures.poll(10, TimeUnit.SECONDS));
            full.release.countDown();
            assertEquals(".", Support.receive(full.sockets.get(3), 1));
            assertEquals(List.of("0", "1", "next"), List.copyOf(full.called));
        }
    }

    @Test
    void closingTheServerDoesNotWaitForCallsThatWait() throws Exception {
        try (Full full = new Full(1, 0)) {
            for (int i = 0; i < 10; i++) {
                full.waiting("never");
            }
            full.server.close();
            for (int i = 0; i < 10; i++) {
                assertInstanceOf(NetparkException.Closed.class, cause());
            }
            Support.await("only the one that is called", () -> full.server.connections() == 1);
            assertEquals(List.of("0"), List.copyOf(full.called));
        }
    }

    @Test
    void aServerThatShutsDownLetsThoseThatWaitComeToTheirEnd() throws Exception {
        try (Full full = new Full(1, 1)) {
            full.waiting("2");
            full.waiting("3");
            CompletableFuture<Shutdown.Report> report = full.server.shutdownAsync(Shutdown.within(Duration.ofSeconds(30)));
            full.release.countDown();
            for (Socket socket : full.sockets) {
                assertEquals(".", Support.receiveAll(socket));
            }
            assertEquals(0, report.get(30, TimeUnit.SECONDS).cut());
        }
    }

    @Test
    void workersThatAreClosedLeaveNobodyWaiting() throws Exception {
        try (Full full = new Full(1, 1)) {
            full.waiting("a");
            full.waiting("b");
            full.workers.close();
            full.release.countDown();
            for (int i = 0; i < 2; i++) {
                assertInstanceOf(NetparkException.LimitExceeded.class, cause());
                assertInstanceOf(NetparkException.LimitExceeded.class, failures.poll(10, TimeUnit.SECONDS));
            }
            Support.await("what was in the queue is called", () -> full.called.size() == 2);
            assertEquals(List.of("0", "1"), List.copyOf(full.called));
        }
    }

    @Test
    void theReadTimeoutDoesNotCountWhileACallbackWaits() throws Exception {
        Duration timeout = Duration.ofMillis(1500);
        Pace.within(timeout, pace -> keepWaiting(timeout, pace));
    }

    private void keepWaiting(Duration timeout, Pace pace) throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        CountDownLatch inside = new CountDownLatch(1);
        BlockingQueue<CallbackConnection> accepted = new LinkedBlockingQueue<>();
        try (Workers workers = Workers.pool(1, 0);
                CallbackServer server = server(workers).onPrepare(accepted::add).readTimeout(timeout)
                        .onRequest((connection, in) -> {
                            inside.countDown();
                            release.await();
                            connection.write(in);
                        })
                        .listen(Support.loopback());
                Socket first = Support.connect(server);
                Socket second = Support.connect(server)) {
            Support.await("both", () -> accepted.size() == 2);
            Support.send(first, "x");
            inside.await();
            Support.send(second, "y");
            pace.step();
            Thread.sleep(2500);
            release.countDown();
            assertEquals("x", Support.receive(first, 1));
            assertEquals("y", Support.receive(second, 1));
        }
    }

    @Test
    void whatAnExecutorRejectsIsTriedAgainUntilItIsTaken() throws Exception {
        Semaphore room = new Semaphore(1);
        ConcurrentLinkedQueue<String> called = new ConcurrentLinkedQueue<>();
        try (Workers threads = Workers.pool(4, 100)) {
            Workers on = Workers.on(task -> {
                if (!room.tryAcquire()) {
                    throw new RejectedExecutionException("full");
                }
                threads.crew().execute(() -> {
                    try {
                        task.run();
                    } finally {
                        room.release(); // after the call has come back, so nobody tells of the room
                    }
                });
            });
            try (CallbackServer server = server(on)
                    .onRequest((connection, in) -> {
                        noteWhere();
                        called.add(Support.take(in));
                        connection.write(Support.bytes("."));
                    })
                    .listen(Support.loopback())) {
                List<Socket> sockets = new ArrayList<>();
                for (int i = 0; i < 30; i++) {
                    sockets.add(Support.connect(server));
                    Support.send(sockets.get(i), "x");
                }
                for (Socket socket : sockets) {
                    assertEquals(".", Support.receive(socket, 1));
                    socket.close();
                }
                assertEquals("x".repeat(30), String.join("", called));
            }
        }
        assertEquals(List.of(), List.copyOf(reports.causes));
    }

    @Test
    void anExecutorThatThrowsIsToldOfAndClosesTheConnection() throws Exception {
        IllegalStateException thrown = new IllegalStateException("on purpose");
        try (CallbackServer server = server(Workers.on(task -> {
                    throw thrown;
                })).onRequest((connection, in) -> {}).listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            assertSame(thrown, cause().getCause());
            assertSame(thrown, failures.poll(10, TimeUnit.SECONDS));
            assertEquals(-1, socket.getInputStream().read());
        }
        assertEquals(List.of(), List.copyOf(reports.causes));
    }

    @Test
    void withoutAFailureCallbackItIsReported() throws Exception {
        IllegalStateException thrown = new IllegalStateException("on purpose");
        for (Workers workers : List.of(
                Workers.on(task -> {
                    throw thrown;
                }),
                Workers.on(task -> {
                    throw new RejectedExecutionException();
                }, connection -> {
                    throw thrown;
                }))) {
            try (CallbackServer server = CallbackServer.builder().group(group).workers(workers)
                            .onClose((connection, cause) -> causes.add(Optional.ofNullable(cause)))
                            .onRequest((connection, in) -> {}).listen(Support.loopback());
                    Socket socket = Support.connect(server)) {
                Support.send(socket, "x");
                assertSame(thrown, cause().getCause());
            }
        }
        Support.await("both are reported", () -> List.copyOf(reports.causes).equals(List.of(thrown, thrown)));
    }

    /** As many of the clients as there are end their connections in the midst of waiting, by an end or a reset. */
    private void comeAndGo(Workers workers) throws Exception {
        AtomicInteger answered = new AtomicInteger();
        try (CallbackServer server = server(workers)
                .onConnect(connection -> noteWhere())
                .onRequest((connection, in) -> {
                    noteWhere();
                    in.position(in.limit());
                    connection.write(Support.bytes("."));
                })
                .listen(Support.loopback())) {
            List<Thread> clients = new ArrayList<>();
            for (int client = 0; client < 16; client++) {
                int number = client;
                Thread thread = new Thread(() -> {
                    try {
                        for (int round = 0; round < 40; round++) {
                            Socket socket = Support.connect(server);
                            Support.send(socket, "x");
                            switch ((number + round) % 3) {
                                case 0 -> Support.reset(socket);
                                case 1 -> socket.close();
                                default -> {
                                    if (Support.receive(socket, 1).equals(".")) {
                                        answered.incrementAndGet();
                                    }
                                    socket.close();
                                }
                            }
                        }
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
                thread.start();
                clients.add(thread);
            }
            for (Thread thread : clients) {
                thread.join();
            }
            assertTrue(answered.get() >= 16 * 40 / 3, "answered: " + answered);
            Support.await("all are closed", () -> server.connections() == 0);
        }
        assertEquals(List.of(), List.copyOf(reports.causes));
    }

    @Test
    void connectionsThatEndAtAnyTimeTakeNoPlaceWithThem() throws Exception {
        try (Workers workers = Workers.pool(2, 1)) {
            comeAndGo(workers);
            for (int place = 0; place < 3; place++) {
                Support.await("a place", () -> workers.crew().room().enter());
            }
            assertFalse(workers.crew().room().enter());
        }
    }

    @Test
    void connectionsThatEndAtAnyTimeLeaveNobodyWaitingForAnExecutor() throws Exception {
        ThreadPoolExecutor threads = new ThreadPoolExecutor(0, 2, 10, TimeUnit.SECONDS, new SynchronousQueue<>());
        try {
            comeAndGo(Workers.on(threads));
        } finally {
            threads.shutdown();
        }
    }
}
