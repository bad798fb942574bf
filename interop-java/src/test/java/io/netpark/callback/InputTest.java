package io.netpark.callback;

import static io.netpark.callback.Support.await;
import static io.netpark.callback.Support.connect;
import static io.netpark.callback.Support.loopback;
import static io.netpark.callback.Support.receive;
import static io.netpark.callback.Support.receiveAll;
import static io.netpark.callback.Support.send;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.callback.Support.Platform;
import io.netpark.core.buffer.BufferReader;
import io.netpark.core.buffer.LeakDetection;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.socket.Detached;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Input by reader, output by buffer, and what bounds them. */
@Timeout(60)
class InputTest {

    private final SegmentPool pool = SegmentPool.builder().leakDetection(LeakDetection.PARANOID).build();

    static List<Platform> platforms() {
        return Support.platforms();
    }

    @AfterEach
    void everySegmentIsBack() throws InterruptedException {
        await("segments: " + pool, () -> pool.statistics().lentSegments() == 0);
        assertEquals(0, pool.statistics().lost());
    }

    private CallbackServer.Builder server() {
        return Support.server().loops(1).segments(pool);
    }

    /** Answers frames of a length and a payload with the payload reversed. */
    private static void reverse(CallbackConnection connection, BufferReader in) throws IOException {
        try (LinkBuffer out = connection.newBuffer()) {
            while (in.available() >= 4) {
                int length = in.getInt(0);
                if (in.missing(4L + length) > 0) {
                    break;
                }
                in.skip(4);
                ByteBuffer payload = in.next(length);
                out.putInt(length);
                ByteBuffer room = out.reserve(length);
                for (int i = payload.limit() - 1; i >= payload.position(); i--) {
                    room.put(payload.get(i));
                }
                out.commit(length);
            }
            connection.write(out);
        }
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void framesAreParsedHoweverTheyCome(Platform platform) throws Exception {
        try (EventLoopGroup group = platform.group().open();
                CallbackServer server = server().group(group).onInput(InputTest::reverse).listen(loopback());
                Socket socket = connect(server)) {
            DataOutputStream out = new DataOutputStream(socket.getOutputStream());
            DataInputStream in = new DataInputStream(socket.getInputStream());
            Random random = new Random(1);
            for (int i = 0; i < 200; i++) {
                byte[] payload = new byte[random.nextInt(i % 20 == 0 ? 200_000 : 3000)];
                random.nextBytes(payload);
                ByteBuffer frame = ByteBuffer.allocate(4 + payload.length).putInt(payload.length).put(payload);
                int cut = random.nextInt(frame.capacity());
                out.write(frame.array(), 0, cut);
                out.flush();
                out.write(frame.array(), cut, frame.capacity() - cut);
                assertEquals(payload.length, in.readInt());
                byte[] answer = in.readNBytes(payload.length);
                for (int j = 0; j < payload.length; j++) {
                    assertEquals(payload[payload.length - 1 - j], answer[j]);
                }
            }
        }
    }

    @Test
    void linesComeWholeAndAnIdleConnectionHoldsNoSegment() throws Exception {
        try (CallbackServer server = server().onInput((connection, in) -> {
            for (String line = in.takeLine(100); line != null; line = in.takeLine(100)) {
                connection.write(ByteBuffer.wrap((line + "!").getBytes(StandardCharsets.UTF_8)));
            }
        }).listen(loopback()); Socket socket = connect(server)) {
            send(socket, "one\r\ntwo\nthr");
            assertEquals("one!two!", receive(socket, 8));
            send(socket, "ee\n");
            assertEquals("three!", receive(socket, 6));
            await("no segment", () -> pool.statistics().lentSegments() == 0);
        }
    }

    @Test
    void aMessageOverTheLimitClosesTheConnectionAndSaysWhy() throws Exception {
        AtomicReference<Throwable> cause = new AtomicReference<>();
        try (CallbackServer server = server().inputLimit(10_000)
                .onInput((connection, in) -> {})
                .onClose((connection, why) -> cause.set(why))
                .listen(loopback()); Socket socket = connect(server)) {
            send(socket, "x".repeat(20_000));
            await("closed", () -> cause.get() != null);
            assertInstanceOf(NetparkException.LimitExceeded.class, cause.get());
            assertTrue(cause.get().getMessage().contains("inputLimit"), cause.get().getMessage());
        }
    }

    @Test
    void atTheLimitItWaitsIfThatWasChosen() throws Exception {
        AtomicReference<CallbackConnection> waiting = new AtomicReference<>();
        AtomicInteger most = new AtomicInteger();
        AtomicInteger taken = new AtomicInteger();
        try (CallbackServer server = server().inputLimit(10_000).atInputLimit(AtLimit.WAIT)
                .onInput((connection, in) -> {
                    most.set(Math.max(most.get(), (int) in.available()));
                    if (waiting.getAndSet(connection) != null && in.available() >= 10_000) {
                        taken.addAndGet((int) in.available());
                        in.skip(in.available());
                    }
                }).listen(loopback()); Socket socket = connect(server)) {
            Thread sender = new Thread(() -> send(socket, "x".repeat(2_000_000)));
            sender.start();
            await("bytes", () -> waiting.get() != null && most.get() >= 10_000);
            while (taken.get() < 1_900_000) {
                waiting.get().requestAgain();
                Thread.onSpinWait();
            }
            sender.join();
            assertTrue(most.get() <= 10_000 + 64 * 1024, "at most " + most);
        }
    }

    @Test
    void atThePoolsLimitConnectionsWaitForOneAnother() throws Exception {
        SegmentPool small = SegmentPool.builder().limit(300 * 1024).leakDetection(LeakDetection.PARANOID).build();
        try (CallbackServer server = Support.server().loops(1).segments(small).inputLimit(60_000)
                .onInput((connection, in) -> {
                    if (in.available() >= 4 && in.missing(4L + in.getInt(0)) == 0) {
                        try (LinkBuffer frame = in.slice(4L + in.getInt(0))) {
                            connection.write(frame);
                        }
                    }
                }).listen(loopback())) {
            Socket[] sockets = new Socket[20];
            for (int i = 0; i < sockets.length; i++) {
                sockets[i] = connect(server);
            }
            for (int round = 0; round < 10; round++) {
                for (Socket socket : sockets) {
                    new DataOutputStream(socket.getOutputStream()).writeInt(50_000);
                    socket.getOutputStream().write(new byte[25_000]);
                }
                for (Socket socket : sockets) {
                    socket.getOutputStream().write(new byte[25_000]);
                }
                for (Socket socket : sockets) {
                    assertEquals(50_004, socket.getInputStream().readNBytes(50_004).length);
                }
            }
            assertTrue(small.statistics().allocatedBytes() <= 400 * 1024, small.toString());
            for (Socket socket : sockets) {
                socket.close();
            }
        }
        await("segments: " + small, () -> small.statistics().lentSegments() == 0);
    }

    @Test
    void aPeerThatNeverReadsIsClosedAtTheOutputLimit() throws Exception {
        AtomicReference<Throwable> cause = new AtomicReference<>();
        try (CallbackServer server = server().outputLimit(1_000_000)
                .onRequest((connection, in) -> { // not before the peer knows that it is connected: it would meet the reset at that
                    while (connection.isOpen()) {
                        connection.write(ByteBuffer.allocate(50_000));
                    }
                })
                .onClose((connection, why) -> cause.set(why))
                .listen(loopback()); Socket socket = connect(server)) {
            socket.getOutputStream().write(1);
            await("closed", () -> cause.get() != null);
            assertTrue(cause.get().getMessage().contains("outputLimit"), cause.get().getMessage());
            assertTrue(socket.isConnected());
        }
    }

    @Test
    void framesOfManyThreadsNeverMix() throws Exception {
        int writers = 50;
        int frames = 40;
        AtomicReference<CallbackConnection> connected = new AtomicReference<>();
        try (CallbackServer server = server().onConnect(connected::set).onInput((connection, in) -> {}).listen(loopback());
                Socket socket = connect(server)) {
            await("connected", () -> connected.get() != null);
            CallbackConnection connection = connected.get();
            Thread[] threads = new Thread[writers];
            AtomicInteger done = new AtomicInteger();
            for (int writer = 0; writer < writers; writer++) {
                int number = writer;
                threads[writer] = new Thread(() -> {
                    Random random = new Random(number);
                    for (int i = 0; i < frames; i++) {
                        byte[] payload = new byte[random.nextInt(4000)];
                        Arrays.fill(payload, (byte) number);
                        try (LinkBuffer frame = connection.newBuffer()) {
                            frame.putInt(payload.length);
                            frame.putInt(number);
                            frame.putInt(i);
                            frame.put(payload);
                            connection.writeAsync(frame).thenRun(done::incrementAndGet);
                        } catch (NetparkException.LimitExceeded e) {
                            throw new AssertionError(e);
                        }
                    }
                });
                threads[writer].start();
            }
            int[] next = new int[writers];
            DataInputStream in = new DataInputStream(new java.io.BufferedInputStream(socket.getInputStream()));
            for (int i = 0; i < writers * frames; i++) {
                int length = in.readInt();
                int writer = in.readInt();
                assertEquals(next[writer]++, in.readInt());
                for (byte b : in.readNBytes(length)) {
                    assertEquals((byte) writer, b);
                }
            }
            for (Thread thread : threads) {
                thread.join();
            }
            await("results", () -> done.get() == writers * frames);
        }
    }

    @Test
    void theReadTimeoutSaysThatItFired() throws Exception {
        Duration timeout = Duration.ofSeconds(2);
        Pace.within(timeout, pace -> aByteMovesTheReadTimeout(timeout, pace));
    }

    private void aByteMovesTheReadTimeout(Duration timeout, Pace pace) throws Exception {
        CompletableFuture<Throwable> read = new CompletableFuture<>();
        try (CallbackServer server = server().readTimeout(timeout)
                .onInput((connection, in) -> connection.write(in.slice(in.available())))
                .onClose((connection, why) -> read.complete(why))
                .listen(loopback()); Socket socket = connect(server)) {
            for (int i = 0; i < 5; i++) { // a byte from the peer moves it
                send(socket, "x");
                assertEquals("x", receive(socket, 1));
                Thread.sleep(500);
                pace.step();
            }
            assertEquals(NetparkException.Timeout.READ, timeout(read));
            assertEquals("", receiveAll(socket));
        }
    }

    @Test
    void theWriteTimeoutSaysThatItFired() throws Exception {
        CompletableFuture<Throwable> write = new CompletableFuture<>();
        try (CallbackServer server = server().writeTimeout(Duration.ofMillis(100))
                .onRequest((connection, in) -> { // not before the peer knows that it is connected
                    in.position(in.limit());
                    connection.write(ByteBuffer.allocate(20_000_000));
                })
                .onClose((connection, why) -> write.complete(why))
                .listen(loopback()); Socket socket = connect(server)) {
            send(socket, "x");
            assertEquals(NetparkException.Timeout.WRITE, timeout(write));
            assertTrue(socket.isConnected());
        }
    }

    @Test
    void pausingHoldsTheReadTimeout() throws Exception {
        CompletableFuture<Throwable> closed = new CompletableFuture<>();
        AtomicReference<CallbackConnection> connected = new AtomicReference<>();
        try (CallbackServer server = server().readTimeout(Duration.ofMillis(500))
                .onConnect(connection -> {
                    connection.pauseReading();
                    connected.set(connection);
                })
                .onInput((connection, in) -> connection.write(in.slice(in.available())))
                .onClose((connection, why) -> closed.complete(why))
                .listen(loopback()); Socket socket = connect(server)) {
            await("connected", () -> connected.get() != null);
            Thread.sleep(800);
            assertTrue(connected.get().isOpen());
            send(socket, "x");
            connected.get().resumeReading();
            assertEquals("x", receive(socket, 1));
            assertEquals(NetparkException.Timeout.READ, timeout(closed));
        }
    }

    @Test
    void aHandshakeHasItsOwnDeadline() throws Exception {
        CompletableFuture<Throwable> closed = new CompletableFuture<>();
        AtomicInteger shaken = new AtomicInteger();
        try (CallbackServer server = server()
                .onConnect(connection -> connection.attach(connection.limit(Duration.ofSeconds(2), "handshake")))
                .onInput((connection, in) -> {
                    if (in.takeLine(100) != null) {
                        connection.attachment(java.util.concurrent.ScheduledFuture.class).cancel(false);
                        shaken.incrementAndGet();
                        connection.write(ByteBuffer.wrap(new byte[] {'+'}));
                    }
                })
                .onClose((connection, why) -> closed.complete(why))
                .listen(loopback()); Socket good = connect(server); Socket slow = connect(server)) {
            send(good, "hello\n");
            assertEquals("+", receive(good, 1));
            assertEquals(NetparkException.Timeout.EXCHANGE, timeout(closed));
            assertTrue(closed.get().getMessage().contains("handshake with"));
            assertEquals("", receiveAll(slow));
            await("gone", () -> server.connections() == 1);
            assertEquals(1, shaken.get());
        }
    }

    private static NetparkException.Timeout timeout(CompletableFuture<Throwable> closed) throws Exception {
        return assertInstanceOf(NetparkException.TimedOut.class, closed.get(10, java.util.concurrent.TimeUnit.SECONDS))
                .timeout();
    }

    @Test
    void aRequestCallbackDetachesWithoutLosingWhatItLeaves() throws Exception {
        CompletableFuture<Detached> detached = new CompletableFuture<>();
        try (CallbackServer server = server().onRequest((connection, in) -> {
            in.position(in.position() + 8);
            detached.complete(connection.detach());
        }).listen(loopback());
                CallbackClient elsewhere = Support.client().loops(1).segments(pool).open();
                Socket socket = connect(server)) {
            send(socket, "upgrade\nrest");
            assertEquals("rest", new String(detached.get().unread(), StandardCharsets.ISO_8859_1));
            elsewhere.adopt(detached.get(),
                    Callbacks.builder().onInput((connection, in) -> connection.write(in.slice(in.available()))).build());
            assertEquals("rest", receive(socket, 4));
        }
    }

    @Test
    void aWriterOnAnotherThreadThatWasRefusedIsAlwaysToldToGoOn() throws Exception {
        AtomicReference<CallbackConnection> connected = new AtomicReference<>();
        java.util.concurrent.Semaphore writable = new java.util.concurrent.Semaphore(0);
        try (CallbackServer server = server().highWaterMark(20_000)
                .onConnect(connected::set)
                .onWritable(connection -> writable.release())
                .ignoreInput()
                .listen(loopback()); Socket socket = connect(server)) {
            await("connected", () -> connected.get() != null);
            Thread reader = new Thread(() -> {
                try {
                    socket.getInputStream().readNBytes(30_000 * 1000);
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
            reader.start();
            for (int i = 0; i < 3000; i++) {
                if (!connected.get().write(ByteBuffer.allocate(10_000))) {
                    assertTrue(writable.tryAcquire(20, java.util.concurrent.TimeUnit.SECONDS), "told to go on, write " + i);
                    writable.drainPermits();
                }
            }
            reader.join();
        }
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void aConnectionMovesElsewhereWithItsUnreadBytes(Platform platform) throws Exception {
        CompletableFuture<Detached> detached = new CompletableFuture<>();
        try (EventLoopGroup group = platform.group().open();
                CallbackServer server = server().group(group).onInput((connection, in) -> {
                    if (in.takeLine(100) != null) {
                        detached.complete(connection.detach());
                    }
                }).listen(loopback());
                CallbackClient elsewhere = Support.client().group(group).segments(pool).open();
                Socket socket = connect(server)) {
            send(socket, "upgrade\nrest");
            Detached taken = detached.get();
            assertEquals("rest", new String(taken.unread(), StandardCharsets.ISO_8859_1));
            CallbackConnection adopted = elsewhere.adopt(taken,
                    Callbacks.builder().onRequest((connection, in) -> connection.write(in)).build());
            assertEquals("rest", receive(socket, 4));
            send(socket, "more");
            assertEquals("more", receive(socket, 4));
            assertThrows(IllegalStateException.class, adopted::detach); // not on its loop
        }
    }

    @Test
    void whatIsNoSocketIsNotAdopted() throws Exception {
        try (CallbackClient client = Support.client().loops(1).open()) {
            NetparkException e = assertThrows(NetparkException.class,
                    () -> client.adopt(OpenDescriptor.of(1_000_000), Callbacks.builder().build()));
            assertTrue(e.getMessage().contains("adopt descriptor 1000000"), e.getMessage());
        }
    }
}
