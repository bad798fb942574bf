package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.framing.Framing;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.report.PeerFault;
import io.netpark.core.sys.NetparkException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whole messages, wherever the callbacks run. */
@Timeout(60)
class FramedTest {

    private static final Framing FRAMES = Framing.lengthField(4, 200_000);

    private final Support.Reports reports = new Support.Reports();
    private final SegmentPool pool = SegmentPool.builder().build();
    private final BlockingQueue<String> messages = new LinkedBlockingQueue<>();
    private final BlockingQueue<Throwable> failures = new LinkedBlockingQueue<>();
    private EventLoopGroup group;
    private Workers workers;

    static List<String> threads() {
        return Support.threads();
    }

    @BeforeEach
    void open() throws IOException {
        group = Support.loops().loops(1).metrics(true).reporter(reports).open();
    }

    @AfterEach
    void close() throws InterruptedException {
        group.close();
        if (workers != null) {
            workers.close();
        }
        // A worker may be on its way out of the last callback.
        Support.await("all memory is given back", () -> pool.statistics().lentBytes() == 0);
        assertEquals(List.of(), List.copyOf(reports.causes));
    }

    private CallbackServer.Builder server(String threads) {
        workers = Support.workers(threads);
        CallbackServer.Builder builder = Support.server().group(group).segments(pool)
                .onFailure((connection, failure) -> failures.add(failure));
        return workers == null ? builder : builder.workers(workers);
    }

    private void add(CallbackConnection connection, ByteBuffer message) {
        messages.add(Support.take(message));
    }

    private String next() throws InterruptedException {
        return Support.poll(messages);
    }

    private static byte[] frames(String... messages) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (String message : messages) {
            all.writeBytes(ByteBuffer.allocate(4).putInt(message.length()).array());
            all.writeBytes(message.getBytes(StandardCharsets.ISO_8859_1));
        }
        return all.toByteArray();
    }

    @ParameterizedTest
    @MethodSource("threads")
    void aMessageThatIsSplitAtEveryByteIsWhole(String threads) throws Exception {
        try (CallbackServer server = server(threads).onMessage(FRAMES, this::add).listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            byte[] stream = frames("hello", "", "world");
            for (byte one : stream) {
                socket.getOutputStream().write(one);
                Support.sleep(1); // so that most of them are read by themselves; nothing depends on it
            }
            assertEquals("hello", next());
            assertEquals("", next());
            assertEquals("world", next());
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void everySplitIntoTwoReadsIsTheSame(String threads) throws Exception {
        byte[] stream = frames("one", "twenty-two", "3");
        try (CallbackServer server = server(threads).onMessage(FRAMES, this::add).listen(Support.loopback())) {
            for (int split = 0; split <= stream.length; split++) {
                try (Socket socket = Support.connect(server)) {
                    socket.getOutputStream().write(stream, 0, split);
                    Support.sleep(1);
                    socket.getOutputStream().write(stream, split, stream.length - split);
                    assertEquals(List.of("one", "twenty-two", "3"), List.of(next(), next(), next()), "split at " + split);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void manyMessagesOfOneReadAndOneOfManyReadsComeInOrder(String threads) throws Exception {
        int count = Support.rounds(3000);
        String large = "x".repeat(200_000);
        try (CallbackServer server = server(threads)
                        .onMessage(FRAMES, (connection, message) -> {
                            connection.write(ByteBuffer.allocate(4).putInt(message.remaining()).flip());
                            connection.write(message);
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            String[] all = new String[count + 1];
            for (int i = 0; i < count; i++) {
                all[i] = "message " + i;
            }
            all[count] = large;
            byte[] stream = frames(all);
            Future<Void> sent = Support.start(() -> {
                socket.getOutputStream().write(stream);
                socket.shutdownOutput();
                return null;
            });
            assertTrue(Arrays.equals(stream, socket.getInputStream().readAllBytes()));
            Support.get(sent);
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void aStreamThatEndsWithinAMessageIsTruncatedAndNoHalfClose(String threads) throws Exception {
        AtomicInteger halfCloses = new AtomicInteger();
        for (boolean callback : new boolean[] {false, true}) {
            CompletableFuture<NetparkException> why = new CompletableFuture<>();
            CallbackServer.Builder builder = server(threads).onMessage(FRAMES, this::add)
                    .onClose((connection, closed) -> why.complete(closed));
            if (callback) {
                builder.onHalfClose(connection -> halfCloses.incrementAndGet());
            }
            long before = group.snapshot().total().peerFaults().of(PeerFault.TRUNCATED);
            try (CallbackServer server = builder.listen(Support.loopback()); Socket socket = Support.connect(server)) {
                byte[] stream = frames("whole", "cut off");
                socket.getOutputStream().write(stream, 0, stream.length - 1);
                socket.shutdownOutput();
                assertEquals("whole", next());
                NetparkException ended = Support.get(why);
                assertInstanceOf(NetparkException.Truncated.class, ended);
                assertEquals(ended, Support.poll(failures));
                assertEquals(before + 1, group.snapshot().total().peerFaults().of(PeerFault.TRUNCATED));
            }
        }
        assertEquals(0, halfCloses.get());
        assertTrue(messages.isEmpty());
    }

    @ParameterizedTest
    @MethodSource("threads")
    void anEndBetweenMessagesIsAHalfClose(String threads) throws Exception {
        try (CallbackServer server = server(threads).onMessage(FRAMES, this::add)
                        .onHalfClose(connection -> {
                            connection.write(Support.bytes("bye"));
                            connection.closeAfterWrites();
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            socket.getOutputStream().write(frames("last"));
            socket.shutdownOutput();
            assertEquals("bye", Support.receiveAll(socket));
            assertEquals("last", next());
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void aMessageThatIsTooLongClosesBeforeItHasCome(String threads) throws Exception {
        CompletableFuture<NetparkException> why = new CompletableFuture<>();
        try (CallbackServer server = server(threads).onMessage(FRAMES, this::add)
                        .onClose((connection, cause) -> why.complete(cause)).listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            socket.getOutputStream().write(frames("fits"));
            socket.getOutputStream().write(ByteBuffer.allocate(4).putInt(200_001).array());
            assertInstanceOf(NetparkException.LimitExceeded.class, Support.get(why));
            assertInstanceOf(NetparkException.LimitExceeded.class, Support.poll(failures));
            assertEquals("fits", next());
            assertEquals(1, group.snapshot().total().peerFaults().of(PeerFault.LIMIT));
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void aPauseInTheMidstOfARequestLeavesTheNextMessages(String threads) throws Exception {
        CompletableFuture<CallbackConnection> accepted = new CompletableFuture<>();
        try (CallbackServer server = server(threads).onConnect(accepted::complete)
                        .onMessage(FRAMES, (connection, message) -> {
                            connection.pauseReading();
                            add(connection, message);
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            socket.getOutputStream().write(frames("one", "two", "three"));
            for (String expected : List.of("one", "two", "three")) {
                assertEquals(expected, next());
                assertTrue(messages.isEmpty());
                accepted.join().resumeReading();
            }
            socket.shutdownOutput();
            accepted.join().resumeReading();
            assertEquals("", Support.receiveAll(socket));
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void outputThatThePeerDoesNotTakeHoldsBackTheNextMessages(String threads) throws Exception {
        byte[] answer = new byte[100_000];
        int count = Support.much(20_000_000) / answer.length;
        AtomicInteger calls = new AtomicInteger();
        try (CallbackServer server = server(threads).highWaterMark(50_000)
                        .onMessage(FRAMES, (connection, message) -> {
                            calls.incrementAndGet();
                            connection.write(ByteBuffer.wrap(answer));
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            String[] all = new String[count];
            Arrays.fill(all, "x");
            socket.getOutputStream().write(frames(all));
            socket.shutdownOutput();
            Support.await("it has begun", () -> calls.get() > 0);
            Support.sleep(50);
            assertTrue(calls.get() < count, "as much as sockets hold is less than all answers");
            assertEquals(count * answer.length, socket.getInputStream().readAllBytes().length);
            assertEquals(count, calls.get());
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void aMessageMayChangeTheProtocolForWhatComesBehindIt(String threads) throws Exception {
        try (CallbackServer server = server(threads)
                        .onMessage(Framing.lines(100), (connection, line) -> {
                            add(connection, line);
                            connection.onMessage(FRAMES, this::add);
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "UPGRADE\r\n" + new String(frames("a", "b"), StandardCharsets.ISO_8859_1));
            assertEquals(List.of("UPGRADE", "a", "b"), List.of(next(), next(), next()));
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void afterACloseNoOtherMessageIsHandedOn(String threads) throws Exception {
        try (CallbackServer server = server(threads)
                        .onMessage(FRAMES, (connection, message) -> {
                            add(connection, message);
                            connection.write(Support.bytes("first"));
                            connection.closeAfterWrites();
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            socket.getOutputStream().write(frames("first", "second"));
            assertEquals("first", Support.receive(socket, 5));
            Support.await("closed", () -> server.connections() == 0);
            assertEquals("first", next());
            assertTrue(messages.isEmpty());
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void whatIsLeftBehindTheLastMessageDoesNotCutOffItsAnswer(String threads) throws Exception {
        byte[] answer = Support.patternBytes(1, Support.much(20_000_000));
        try (CallbackServer server = server(threads).inputLimit(1000)
                        .onMessage(Framing.lengthField(4, 100), (connection, message) -> {
                            connection.write(ByteBuffer.wrap(answer));
                            connection.closeLingering(Duration.ofSeconds(10));
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            byte[] stream = Arrays.copyOf(frames("last"), 10_000);
            socket.getOutputStream().write(stream);
            Support.assertPattern(1, answer.length, socket.getInputStream());
            assertEquals(List.of(), List.copyOf(failures));
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void resumingHandsOnNothingWhileTooMuchOutputIsPending(String threads) throws Exception {
        int count = Support.rounds(100);
        byte[] answer = new byte[1_000_000];
        AtomicInteger calls = new AtomicInteger();
        AtomicLong most = new AtomicLong();
        try (CallbackServer server = server(threads).highWaterMark(50_000)
                        .onMessage(FRAMES, (connection, message) -> {
                            connection.pauseReading();
                            calls.incrementAndGet();
                            Support.thread(() -> {
                                try {
                                    connection.write(ByteBuffer.wrap(answer));
                                } catch (NetparkException.Closed e) {
                                    failures.add(e);
                                }
                                most.accumulateAndGet(connection.pendingBytes(), Math::max);
                                connection.resumeReading();
                            }).start();
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            String[] all = new String[count];
            Arrays.fill(all, "x");
            socket.getOutputStream().write(frames(all));
            Support.sleep(200);
            long size = (long) count * answer.length;
            for (long got = 0; got < size; ) {
                int read = socket.getInputStream().read(new byte[1_000_000]);
                assertTrue(read > 0);
                got += read;
            }
            assertEquals(count, calls.get());
            assertTrue(most.get() < 3_000_000, "pending: " + most);
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void aPauseHoldsThoughReadingWasResumedBeforeInTheMidstOfTheCall(String threads) throws Exception {
        CompletableFuture<CallbackConnection> accepted = new CompletableFuture<>();
        AtomicInteger calls = new AtomicInteger();
        try (CallbackServer server = server(threads).onConnect(accepted::complete)
                        .onMessage(FRAMES, (connection, message) -> {
                            connection.pauseReading();
                            if (calls.getAndIncrement() == 0) {
                                Thread other = Support.thread(connection::resumeReading);
                                other.start();
                                Support.join(other);
                                Support.sleep(20); // so that the loop has looked, where it is another thread
                            }
                            add(connection, message);
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            socket.getOutputStream().write(frames("one", "two", "three"));
            assertEquals("one", next());
            assertEquals("two", next());
            Support.sleep(50);
            assertTrue(messages.isEmpty());
            accepted.join().resumeReading();
            assertEquals("three", next());
            socket.shutdownOutput();
            accepted.join().resumeReading();
            assertEquals("", Support.receiveAll(socket));
        }
    }
}
