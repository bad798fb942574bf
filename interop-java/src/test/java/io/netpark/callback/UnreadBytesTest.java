package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoopGroup;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class UnreadBytesTest {

    private final Support.Reports reports = new Support.Reports();
    private final BlockingQueue<String> seen = new LinkedBlockingQueue<>();
    private final AtomicReference<CallbackConnection> connection = new AtomicReference<>();
    private EventLoopGroup group;

    @BeforeEach
    void open() throws Exception {
        group = Support.group(1, reports);
    }

    @AfterEach
    void close() {
        group.close();
    }

    private String next() throws InterruptedException {
        return seen.poll(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
    }

    private static String look(ByteBuffer in) {
        return Support.take(in.duplicate());
    }

    @Test
    void whatIsLeftComesAgainInFrontOfNewBytesAndNotBefore() throws Exception {
        try (CallbackServer server = Support.server()
                        .group(group)
                        .onRequest((c, in) -> {
                            seen.add(look(in));
                            if (in.remaining() > 2) {
                                in.get(); // takes one byte
                            }
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "ab");
            assertEquals("ab", next());
            long before = Support.cpuNanos(group.next());
            Thread.sleep(200);
            assertTrue(Support.cpuNanos(group.next()) - before < 50_000_000, "spins");
            Support.send(socket, "cd");
            assertEquals("abcd", next());
            Support.send(socket, "e");
            assertEquals("bcde", next());
            assertTrue(seen.isEmpty());
            assertEquals(List.of(), List.copyOf(reports.causes));
        }
    }

    @Test
    void requestAgainCallsOnceMoreWithTheUnreadBytes() throws Exception {
        try (CallbackServer server = Support.server()
                        .group(group)
                        .onRequest((c, in) -> {
                            connection.set(c);
                            seen.add(look(in));
                            if (in.get(in.position()) == 'x') {
                                in.get();
                                c.requestAgain(); // inside the callback
                                c.requestAgain();
                            }
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "xxab");
            assertEquals("xxab", next());
            assertEquals("xab", next());
            assertEquals("ab", next());
            Thread.sleep(30);
            assertTrue(seen.isEmpty());
            connection.get().requestAgain(); // from another thread
            assertEquals("ab", next());
            Thread.sleep(30);
            assertTrue(seen.isEmpty());
        }
    }

    @Test
    void aMessageInManyPiecesIsSeenWholeInTheEnd() throws Exception {
        int size = 60_000;
        try (CallbackServer server = Support.server()
                        .group(group)
                        .onRequest((c, in) -> {
                            if (in.remaining() >= Integer.BYTES && in.remaining() >= in.getInt(in.position())) {
                                c.write(in);
                            }
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            byte[] message = Support.patternBytes(5, size);
            ByteBuffer.wrap(message).putInt(size);
            for (int at = 0; at < size; at += 997) {
                socket.getOutputStream().write(message, at, Math.min(997, size - at));
            }
            byte[] answer = socket.getInputStream().readNBytes(size);
            assertEquals(ByteBuffer.wrap(message), ByteBuffer.wrap(answer));
        }
    }

    @Test
    void unreadInputIsBoundedAndReadingGoesOnWhenItIsTaken() throws Exception {
        AtomicInteger most = new AtomicInteger();
        AtomicReference<Boolean> taking = new AtomicReference<>(false);
        int size = 3_000_000;
        AtomicInteger taken = new AtomicInteger();
        try (CallbackServer server = Support.server()
                        .group(group)
                        .inputLimit(10_000)
                        .onRequest((c, in) -> {
                            connection.set(c);
                            most.accumulateAndGet(in.remaining(), Math::max);
                            if (taking.get()) {
                                taken.addAndGet(in.remaining());
                                in.position(in.limit());
                            }
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Thread sender = new Thread(() -> Support.send(socket, "z".repeat(size)));
            sender.start();
            Support.await("the limit is reached", () -> most.get() == 10_000);
            long before = Support.cpuNanos(group.next());
            Thread.sleep(200);
            assertTrue(Support.cpuNanos(group.next()) - before < 50_000_000, "spins");
            taking.set(true);
            connection.get().requestAgain();
            sender.join();
            Support.await("all taken", () -> taken.get() == size);
            assertEquals(10_000, most.get());
        }
    }

    @Test
    void aCallbackMayDoWhatItLikesToTheBuffer() throws Exception {
        try (CallbackServer server = Support.server()
                        .group(group)
                        .onRequest((c, in) -> {
                            seen.add(look(in));
                            in.order(ByteOrder.LITTLE_ENDIAN).clear(); // position 0, limit far beyond
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "ab");
            assertEquals("ab", next());
            Support.send(socket, "c");
            assertEquals("abc", next());
        }
    }

    @Test
    void pausedMeansNoRequestsUntilResumed() throws Exception {
        try (CallbackServer server = Support.server()
                        .group(group)
                        .onRequest((c, in) -> {
                            connection.set(c);
                            c.pauseReading(); // before anybody can resume
                            seen.add(Support.take(in));
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            StringBuilder all = new StringBuilder();
            for (int i = 0; i < 50; i++) {
                Support.send(socket, "message");
                all.append(next());
                Support.send(socket, "more");
                assertTrue(i % 10 != 0 || seen.poll(20, TimeUnit.MILLISECONDS) == null);
                connection.get().resumeReading();
                all.append(next());
                connection.get().resumeReading();
            }
            assertEquals("messagemore".repeat(50), all.toString());
        }
    }
}
