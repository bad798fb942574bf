package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.sys.NetparkException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WorkersTest {

    private final Support.Reports reports = new Support.Reports();
    private final BlockingQueue<Optional<NetparkException>> causes = new LinkedBlockingQueue<>();
    private final SegmentPool pool = SegmentPool.builder().build();
    private EventLoopGroup group;

    @BeforeEach
    void open() throws Exception {
        group = Support.group(2, reports);
    }

    @AfterEach
    void close() throws Exception {
        group.close();
        Support.await("given back", () -> pool.statistics().lentBytes() == 0);
    }

    private CallbackServer.Builder server(Workers workers) {
        return Support.server().group(group).workers(workers).segments(pool)
                .onClose((connection, cause) -> causes.add(Optional.ofNullable(cause)));
    }

    private NetparkException cause() throws InterruptedException {
        Optional<NetparkException> cause = causes.poll(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
        assertTrue(cause != null, "not closed");
        return cause.orElse(null);
    }

    /** What can run callbacks. */
    static Workers workers(String kind) {
        return switch (kind) {
            case "one thread" -> Workers.pool(1, 10_000);
            case "four threads" -> Workers.pool(4, 10_000);
            case "short queue" -> Workers.pool(2, 1);
            case "virtual" -> {
                assumeTrue(Runtime.version().feature() >= 21, "virtual threads need JDK 21");
                yield Workers.virtualThreads();
            }
            case "caller runs" -> Workers.on(Runnable::run, connection -> Rejection.CLOSE);
            case "often rejecting" -> {
                Workers threads = Workers.pool(2, 10_000);
                yield Workers.on(call -> {
                    if (ThreadLocalRandom.current().nextBoolean()) {
                        throw new RejectedExecutionException("on purpose");
                    }
                    threads.crew().execute(call);
                }, connection -> Rejection.RUN_ON_LOOP);
            }
            default -> throw new IllegalArgumentException(kind);
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"one thread", "four threads", "short queue", "virtual", "caller runs", "often rejecting"})
    void everyByteIsAnsweredInOrderAndNoConnectionIsCalledTwiceAtATime(String kind) throws Exception {
        int clients = 20;
        int size = 200_000;
        AtomicInteger overlaps = new AtomicInteger();
        try (Workers workers = workers(kind);
                CallbackServer server = server(workers)
                        .onConnect(connection -> connection.attach(new AtomicInteger()))
                        .onRequest((connection, in) -> {
                            AtomicInteger inside = connection.attachment(AtomicInteger.class);
                            if (inside.incrementAndGet() != 1) {
                                overlaps.incrementAndGet();
                            }
                            if (in.remaining() > 7 && in.get(in.position()) % 3 == 0) {
                                in.limit(in.limit() - 5); // leaves some, to be seen again with the next
                                connection.requestAgain();
                            }
                            connection.write(in);
                            if (in.get(0) % 16 == 0) {
                                Thread.sleep(0, 100_000);
                            }
                            inside.decrementAndGet();
                        })
                        .listen(Support.loopback())) {
            List<CompletableFuture<Void>> done = new ArrayList<>();
            for (int i = 0; i < clients; i++) {
                int stream = i;
                done.add(CompletableFuture.runAsync(() -> {
                    try (Socket socket = Support.connect(server)) {
                        socket.setSoTimeout(60_000);
                        byte[] bytes = Support.patternBytes(stream, size);
                        Thread sender = new Thread(() -> sendInPieces(socket, bytes));
                        sender.start();
                        Support.assertPattern(stream, size, socket.getInputStream());
                        assertEquals(-1, socket.getInputStream().read());
                        sender.join();
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                }, task -> new Thread(task).start()));
            }
            for (CompletableFuture<Void> client : done) {
                client.get(90, TimeUnit.SECONDS);
            }
            for (int i = 0; i < clients; i++) {
                assertNull(cause());
            }
        }
        assertEquals(0, overlaps.get());
        assertEquals(List.of(), List.copyOf(reports.causes));
    }

    private static void sendInPieces(Socket socket, byte[] bytes) {
        try {
            for (int sent = 0; sent < bytes.length; ) {
                int piece = Math.min(bytes.length - sent, 1 + ThreadLocalRandom.current().nextInt(9000));
                socket.getOutputStream().write(bytes, sent, piece);
                sent += piece;
            }
            socket.shutdownOutput();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"four threads", "virtual", "short queue"})
    void lastWordsOfClientsThatCloseAtOnceAreAllHeard(String kind) throws Exception {
        int clients = 100;
        ConcurrentLinkedQueue<String> heard = new ConcurrentLinkedQueue<>();
        try (Workers workers = workers(kind);
                CallbackServer server = server(workers)
                        .onConnect(connection -> Thread.sleep(1))
                        .onRequest((connection, in) -> heard.add(Support.take(in)))
                        .listen(Support.loopback())) {
            for (int i = 0; i < clients; i++) {
                try (Socket socket = Support.connect(server)) {
                    Support.send(socket, "last words");
                }
            }
            for (int i = 0; i < clients; i++) {
                assertNull(cause());
            }
        }
        assertEquals("last words".repeat(clients), String.join("", heard));
    }

    @Test
    void aCallbackMayBlockWhileTheLoopServesOthers() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        try (Workers workers = Workers.pool(2, 10);
                EventLoopGroup one = Support.group(1, reports);
                CallbackServer server = server(workers).group(one)
                        .onRequest((connection, in) -> {
                            assertNull(EventLoop.current());
                            if (in.get(in.position()) == 'b') {
                                release.await();
                            }
                            connection.write(in);
                        })
                        .listen(Support.loopback());
                Socket blocked = Support.connect(server);
                Socket other = Support.connect(server)) {
            Support.send(blocked, "block");
            Support.send(other, "go on");
            assertEquals("go on", Support.receive(other, 5));
            release.countDown();
            assertEquals("block", Support.receive(blocked, 5));
        }
    }

    @Test
    void disconnectIsToldWhileARequestRunsAndCloseAfterIt() throws Exception {
        ConcurrentLinkedQueue<String> events = new ConcurrentLinkedQueue<>();
        CountDownLatch disconnected = new CountDownLatch(1);
        CountDownLatch inside = new CountDownLatch(1);
        try (Workers workers = Workers.pool(1, 1);
                CallbackServer server = server(workers)
                        .onRequest((connection, in) -> {
                            events.add("request");
                            inside.countDown();
                            disconnected.await();
                            events.add("request over");
                        })
                        .onDisconnect((connection, cause) -> {
                            assertInstanceOf(NetparkException.Reset.class, cause);
                            events.add("disconnect");
                            disconnected.countDown();
                        })
                        .listen(Support.loopback())) {
            Socket socket = Support.connect(server);
            Support.send(socket, "x");
            inside.await();
            Support.reset(socket);
            assertInstanceOf(NetparkException.Reset.class, cause());
            assertEquals(List.of("request", "disconnect", "request over"), List.copyOf(events));
        }
    }

    @Test
    void aFullPoolClosesIfItIsToldTo() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        CountDownLatch inside = new CountDownLatch(1);
        try (Workers workers = Workers.pool(1, 0, connection -> Rejection.CLOSE);
                CallbackServer server = server(workers)
                        .onRequest((connection, in) -> {
                            inside.countDown();
                            release.await();
                            connection.write(in);
                        })
                        .listen(Support.loopback());
                Socket first = Support.connect(server);
                Socket second = Support.connect(server)) {
            Support.send(first, "x");
            inside.await();
            Support.send(second, "y");
            NetparkException cause = cause();
            assertInstanceOf(NetparkException.LimitExceeded.class, cause);
            assertTrue(cause.getMessage().contains("no worker has room"), cause.getMessage());
            assertEquals(-1, second.getInputStream().read());
            release.countDown();
            assertEquals("x", Support.receive(first, 1));
        }
    }

    @Test
    void aCallbackThatThrowsOnAWorkerIsReportedAndClosesItsConnection() throws Exception {
        Exception error = new Exception("on purpose");
        try (Workers workers = Workers.pool(1, 1);
                CallbackServer server = server(workers)
                        .onInput((connection, in) -> {
                            throw error;
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            assertEquals(error, cause().getCause());
            Support.await("the report", () -> List.copyOf(reports.causes).equals(List.of(error)));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"four threads", "virtual"})
    void aCallbackMayWaitForTheRestOfItsMessage(String kind) throws Exception {
        try (Workers workers = workers(kind);
                CallbackServer server = server(workers)
                        .onInput((connection, in) -> {
                            if (!connection.awaitInput(4)) {
                                return;
                            }
                            int length = in.takeInt();
                            if (connection.awaitInput(length)) {
                                connection.write(ByteBuffer.wrap(in.takeBytes(length)));
                            } else {
                                connection.write(Support.bytes("cut short"));
                                in.skip(in.available());
                            }
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            byte[] message = Support.patternBytes(1, 50_000);
            ByteBuffer frame = ByteBuffer.allocate(4 + message.length).putInt(message.length).put(message).flip();
            for (byte[] part : List.of(new byte[] {frame.get(0)}, slice(frame, 1, 3), slice(frame, 3, 10),
                    slice(frame, 10, 20_000), slice(frame, 20_000, frame.limit()))) {
                socket.getOutputStream().write(part);
                Thread.sleep(20); // so that the callback waits again for each part
            }
            Support.assertPattern(1, message.length, socket.getInputStream());
            socket.getOutputStream().write(new byte[] {0, 0, 0, 9, 1});
            socket.shutdownOutput();
            assertEquals("cut short", Support.receiveAll(socket));
            assertNull(cause());
        }
    }

    private static byte[] slice(ByteBuffer of, int from, int to) {
        byte[] part = new byte[to - from];
        of.get(from, part);
        return part;
    }

    @Test
    void aWaitForInputEndsWithTheConnectionAndAtItsLimits() throws Exception {
        BlockingQueue<Throwable> failures = new LinkedBlockingQueue<>();
        CompletableFuture<Thread> waiting = new CompletableFuture<>();
        try (Workers workers = Workers.pool(2, 10);
                CallbackServer server = server(workers).inputLimit(1000).readTimeout(Duration.ofSeconds(60))
                        .onInput((connection, in) -> {
                            failures.add(assertThrows(NetparkException.LimitExceeded.class,
                                    () -> connection.awaitInput(1001)));
                            waiting.complete(Thread.currentThread());
                            failures.add(assertThrows(InterruptedException.class, () -> connection.awaitInput(100)));
                            connection.setReadTimeout(Duration.ofMillis(50));
                            failures.add(assertThrows(NetparkException.Closed.class,
                                    () -> connection.awaitInput(100)));
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            waiting.get(10, TimeUnit.SECONDS).interrupt();
            assertInstanceOf(NetparkException.TimedOut.class, cause());
            assertEquals(3, failures.size());
            assertEquals(-1, socket.getInputStream().read());
        }
    }

    /** The peer is always ahead, so reading stops at the limit while the callback works. */
    @Test
    void aSlowCallbackThatWaitsForInputGetsAllOfAFastPeersBytes() throws Exception {
        int messages = 300;
        int size = 10_000;
        try (Workers workers = Workers.pool(1, 1);
                CallbackServer server = server(workers).inputLimit(50_000)
                        .onInput((connection, in) -> {
                            for (int i = 0; i < messages; i++) {
                                assertTrue(connection.awaitInput(size));
                                byte[] message = in.takeBytes(size);
                                in.release();
                                if (i % 10 == 0) {
                                    Thread.sleep(1);
                                }
                                connection.write(ByteBuffer.wrap(message, 0, 1));
                            }
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            CompletableFuture<Void> sent = CompletableFuture.runAsync(
                    () -> sendInPieces(socket, Support.patternBytes(2, messages * size)), task -> new Thread(task).start());
            assertEquals(messages, socket.getInputStream().readNBytes(messages).length);
            sent.get(10, TimeUnit.SECONDS);
            assertNull(cause());
        }
    }

    /** What arrives during a call has not been seen by any callback, and is no reason to close. */
    @Test
    void bytesThatArriveDuringACallDoNotCountAsLeft() throws Exception {
        AtomicInteger taken = new AtomicInteger();
        try (Workers workers = Workers.pool(1, 1);
                CallbackServer server = server(workers).inputLimit(20_000)
                        .onInput((connection, in) -> {
                            Thread.sleep(100);
                            taken.addAndGet((int) in.available());
                            in.skip(in.available());
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "header");
            Thread.sleep(20);
            socket.getOutputStream().write(new byte[300_000]);
            socket.shutdownOutput();
            assertNull(cause());
            assertEquals(300_006, taken.get());
        }
    }

    @Test
    void readingMayBeResumedWhileTheConnectCallbackRuns() throws Exception {
        try (Workers workers = Workers.pool(1, 1);
                CallbackServer server = server(workers)
                        .onConnect(connection -> {
                            connection.pauseReading();
                            connection.resumeReading();
                            Support.await("it is being read", () -> connection.core.parked() == 1);
                        })
                        .onRequest((connection, in) -> connection.write(in))
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            assertEquals("x", Support.receive(socket, 1));
        }
        assertEquals(List.of(), List.copyOf(reports.causes));
    }

    @Test
    void waitingForInputElsewhereIsAnError() throws Exception {
        CompletableFuture<CallbackConnection> opened = new CompletableFuture<>();
        try (Workers workers = Workers.pool(1, 1);
                CallbackServer server = server(workers).onConnect(opened::complete).ignoreInput().listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            CallbackConnection connection = opened.get(10, TimeUnit.SECONDS);
            assertThrows(IllegalStateException.class, () -> connection.awaitInput(1));
            assertTrue(socket.isConnected());
        }
    }

    @Test
    void theReadTimeoutDoesNotCountTheTimeOfACallback() throws Exception {
        Duration timeout = Duration.ofSeconds(1);
        Pace.within(timeout, pace -> takeTime(timeout, pace));
    }

    private void takeTime(Duration timeout, Pace pace) throws Exception {
        causes.clear();
        try (Workers workers = Workers.pool(1, 1);
                CallbackServer server = server(workers).readTimeout(timeout).idleTimeout(timeout)
                        .onRequest((connection, in) -> {
                            Thread.sleep(2000);
                            connection.write(in);
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            pace.step();
            assertEquals("x", Support.receive(socket, 1));
            assertInstanceOf(NetparkException.TimedOut.class, cause());
        }
    }

    @Test
    void theReadTimeoutCountsWhileACallbackWaitsForInputAndNotWhenItGoesOn() throws Exception {
        Duration timeout = Duration.ofSeconds(1);
        Pace.within(timeout, pace -> waitAndTakeTime(timeout, pace));
    }

    private void waitAndTakeTime(Duration timeout, Pace pace) throws Exception {
        causes.clear();
        try (Workers workers = Workers.pool(1, 1);
                CallbackServer server = server(workers).readTimeout(timeout)
                        .onInput((connection, in) -> {
                            assertTrue(connection.awaitInput(2));
                            Thread.sleep(2000);
                            connection.write(Support.bytes(in.takeString(2)));
                            connection.awaitInput(1);
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            pace.step();
            Thread.sleep(20);
            Support.send(socket, "y");
            pace.step();
            assertEquals("xy", Support.receive(socket, 2));
            assertInstanceOf(NetparkException.TimedOut.class, cause());
        }
    }

    @Test
    void closingTheServerWaitsForTheCallbackThatAWorkerRuns() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        try (Workers workers = Workers.pool(1, 1)) {
            CallbackServer server = Support.server().loops(1).workers(workers).segments(pool)
                    .onRequest((connection, in) -> {
                        inside.countDown();
                        release.await();
                    })
                    .onClose((connection, cause) -> causes.add(Optional.ofNullable(cause)))
                    .listen(Support.loopback());
            try (Socket socket = Support.connect(server)) {
                Support.send(socket, "x");
                inside.await();
                CompletableFuture<Void> closed = CompletableFuture.runAsync(server::close);
                Support.await("loops ended", () -> server.group().loops().get(0).isTerminated());
                assertFalse(closed.isDone());
                assertEquals(0, causes.size());
                release.countDown();
                closed.get(10, TimeUnit.SECONDS);
                assertInstanceOf(NetparkException.Closed.class, cause());
                assertEquals(0, server.connections());
            }
        }
    }

    @Test
    void aPoolSaysWhatItCannotBe() {
        assertThrows(IllegalArgumentException.class, () -> Workers.pool(0, 1));
        assertThrows(IllegalArgumentException.class, () -> Workers.pool(1, -1));
        if (Runtime.version().feature() < 21) {
            UnsupportedOperationException failure =
                    assertThrows(UnsupportedOperationException.class, Workers::virtualThreads);
            assertTrue(failure.getMessage().contains("JDK 21"));
        }
    }
}
