package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.callback.state.Limits;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.options.NetOptions;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class BackpressureTest {

    private static final int LOW = Limits.DEFAULT_BYTES / 2;

    private final Support.Reports reports = new Support.Reports();
    private final AtomicReference<CallbackConnection> connection = new AtomicReference<>();
    private EventLoopGroup group;

    @BeforeEach
    void open() throws Exception {
        group = Support.group(1, reports);
    }

    @AfterEach
    void close() {
        group.close();
        assertEquals(List.of(), List.copyOf(reports.causes));
    }

    private CallbackServer.Builder server() {
        return Support.server()
                .group(group)
                .options(NetOptions.DEFAULT.withSendBuffer(32 * 1024).withReceiveBuffer(32 * 1024))
                .onConnect(connection::set);
    }

    private CallbackConnection connected() throws InterruptedException {
        Support.await("connected", () -> connection.get() != null);
        return connection.get();
    }

    @Test
    void aClientThatNeverReadsCostsBoundedMemoryAndNoProcessorTime() throws Exception {
        AtomicLong most = new AtomicLong();
        AtomicInteger writable = new AtomicInteger();
        int size = 8_000_000;
        try (CallbackServer server = server()
                        .onRequest((c, in) -> {
                            c.write(in);
                            most.accumulateAndGet(c.pendingBytes(), Math::max);
                        })
                        .onWritable(c -> {
                            assertTrue(c.pendingBytes() <= LOW);
                            writable.incrementAndGet();
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server, 32 * 1024)) {
            AtomicLong sent = new AtomicLong();
            Thread sender = new Thread(() -> {
                byte[] bytes = Support.patternBytes(1, size);
                try {
                    for (int at = 0; at < size; at += 10_000) {
                        socket.getOutputStream().write(bytes, at, 10_000);
                        sent.addAndGet(10_000);
                    }
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            sender.start();
            CallbackConnection c = connected();
            Support.await("above the high-water mark", () -> most.get() > Limits.DEFAULT_BYTES);
            // What is pending by the end is anywhere above the low-water mark: nothing is read until it falls to that, and what the
            // kernel still takes, or with TLS is in records, counts no more.
            long stuckAt;
            do {
                stuckAt = sent.get();
                Thread.sleep(500);
            } while (stuckAt < size && (sent.get() != stuckAt || c.pendingBytes() <= LOW)); // a busy machine may only be slow
            assertTrue(stuckAt < size, "nobody is held up");
            long before = Support.cpuNanos(group.next());
            Thread.sleep(300);
            assertTrue(Support.cpuNanos(group.next()) - before < 50_000_000, "spins");

            Support.assertPattern(1, size, socket.getInputStream());
            sender.join();
            assertTrue(most.get() <= 2 * Limits.DEFAULT_BYTES, "pending " + most);
            assertTrue(writable.get() > 0);
            Support.await("all sent", () -> c.pendingBytes() == 0 && c.isWritable());
        }
    }

    @Test
    void onWritableContinuesAStream() throws Exception {
        int size = 5_000_000;
        byte[] bytes = Support.patternBytes(2, size);
        AtomicInteger at = new AtomicInteger();
        ConnectionHandler more = c -> {
            boolean goOn = true;
            while (goOn && at.get() < size) {
                int part = Math.min(10_000, size - at.get());
                goOn = c.write(ByteBuffer.wrap(bytes, at.getAndAdd(part), part));
                assertTrue(c.pendingBytes() <= 80_000);
            }
            if (at.get() == size) {
                c.closeAfterWrites();
            }
        };
        try (CallbackServer server = server()
                        .onConnect(c -> {
                            connection.set(c);
                            more.handle(c);
                        })
                        .onWritable(more)
                        .ignoreInput()
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.assertPattern(2, size, socket.getInputStream());
            assertEquals(-1, socket.getInputStream().read());
        }
    }

    @Test
    void threadsWriteWholeMessagesInTheirOrder() throws Exception {
        int threads = 6;
        int messages = Support.rounds(3_000);
        try (CallbackServer server = server().ignoreInput().listen(Support.loopback()); Socket socket = Support.connect(server)) {
            CallbackConnection c = connected();
            AtomicInteger completed = new AtomicInteger();
            List<Thread> writers = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                int thread = t;
                writers.add(Support.thread(() -> {
                    for (int i = 0; i < messages; i++) {
                        ByteBuffer message = Support.bytes(thread + " " + i + "\n");
                        if (thread == 0) { // on the loop, among the others
                            c.loop().execute(() -> c.writeAsync(message).thenRun(completed::incrementAndGet));
                        } else {
                            c.writeAsync(message).thenRun(completed::incrementAndGet);
                        }
                    }
                }));
            }
            writers.forEach(Thread::start);
            int[] next = new int[threads];
            BufferedReader lines = new BufferedReader(
                    new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
            for (int i = 0; i < threads * messages; i++) {
                String[] words = lines.readLine().split(" ");
                assertEquals(next[Integer.parseInt(words[0])]++, Integer.parseInt(words[1]));
            }
            Support.await("all completed", () -> completed.get() == threads * messages);
            Support.await("nothing is pending", () -> c.pendingBytes() == 0);
        }
    }

    @Test
    void futuresCompleteInOrderWhenTheKernelHasTheBytes() throws Exception {
        ConcurrentLinkedQueue<Integer> completed = new ConcurrentLinkedQueue<>();
        List<Integer> expected = new ArrayList<>();
        try (CallbackServer server = server().ignoreInput().listen(Support.loopback()); Socket socket = Support.connect(server)) {
            CallbackConnection c = connected();
            CompletableFuture<Void> last = Support.get(c.loop().submit(() -> {
                CompletableFuture<Void> future = null;
                for (int i = 0; i < 50; i++) {
                    int number = i;
                    expected.add(i);
                    future = c.writeAsync(ByteBuffer.allocate(i * 2_000));
                    future.thenRun(() -> completed.add(c.loop().inLoop() ? number : -1));
                }
                return future;
            }));
            assertFalse(last.isDone());
            int total = 2_000 * 49 * 50 / 2;
            assertEquals(total, socket.getInputStream().readNBytes(total).length);
            // Before get(): a thread that waits there helps to run what is chained to the future.
            Support.await("all completed", () -> completed.size() == 50);
            Support.get(last);
            assertEquals(expected, List.copyOf(completed));
        }
    }

    @Test
    void shutdownOutputFollowsPendingBytes() throws Exception {
        byte[] bytes = Support.patternBytes(4, 1_000_000);
        ByteArrayOutputStream received = new ByteArrayOutputStream();
        try (CallbackServer server = server()
                        .onRequest((c, in) ->
                                received.writeBytes(Support.take(in).getBytes(StandardCharsets.ISO_8859_1)))
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            CallbackConnection c = connected();
            c.write(ByteBuffer.wrap(bytes)); // from this thread
            c.shutdownOutput();
            c.shutdownOutput();
            Support.assertPattern(4, bytes.length, socket.getInputStream());
            assertEquals(-1, socket.getInputStream().read());
            assertTrue(c.isOpen()); // the other half goes on
            Support.send(socket, "still there");
            Support.await("received", () -> received.size() == 11);
            socket.shutdownOutput();
            Support.await("closed, as both halves have ended", () -> !c.isOpen());
            assertArrayEquals("still there".getBytes(StandardCharsets.ISO_8859_1), received.toByteArray());
        }
    }
}
