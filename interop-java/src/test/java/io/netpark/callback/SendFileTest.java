package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.blocking.BlockingConnection;
import io.netpark.blocking.BlockingListener;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.files.FileTransfer;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.net.files.OpenFile;
import io.netpark.core.sys.NetparkException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class SendFileTest {

    /** More than any kernel buffers. */
    private static final int LARGE = 20_000_000;

    @TempDir
    private Path folder;

    private final Support.Reports reports = new Support.Reports();
    private final AtomicReference<CallbackConnection> connection = new AtomicReference<>();
    private final CompletableFuture<Throwable> closed = new CompletableFuture<>();

    static List<Support.Platform> platforms() {
        return Support.platforms();
    }

    private Path file(int size) throws IOException {
        return Files.write(folder.resolve("file" + size), Support.patternBytes(5, size));
    }

    private static long openDescriptorsOf(Path file) throws IOException {
        try (var entries = Files.list(Path.of("/proc/self/fd"))) {
            return entries.filter(entry -> {
                try {
                    return Files.readSymbolicLink(entry).equals(file);
                } catch (IOException e) {
                    return false; // closed since it was listed
                }
            }).count();
        }
    }

    private CallbackServer.Builder server(EventLoopGroup group) {
        return Support.server()
                .group(group)
                .onConnect(connection::set)
                .onClose((c, cause) -> closed.complete(cause == null ? new Throwable("a normal end") : cause));
    }

    private CallbackConnection connected() throws InterruptedException {
        Support.await("connected", () -> connection.get() != null);
        return connection.get();
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void filesKeepTheirPlaceAmongOtherWritesOfAnyThread(Support.Platform platform) throws Exception {
        Path path = file(1_000_000);
        byte[] bytes = Support.patternBytes(5, 1_000_000);
        ByteArrayOutputStream expected = new ByteArrayOutputStream();
        for (int i = 0; i < 2; i++) {
            expected.write("head".getBytes());
            expected.write(bytes);
            expected.write("between".getBytes());
            expected.write(bytes, 10, 20);
            expected.write(bytes, 999_000, 1_000);
            expected.write("tail".getBytes());
        }
        try (EventLoopGroup group = platform.group().loops(1).reporter(reports).open();
                OpenFile open = OpenFile.open(path);
                FileChannel channel = FileChannel.open(path);
                CallbackServer server = server(group).ignoreInput().listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            CallbackConnection c = connected();
            Runnable all = () -> {
                try {
                    c.write(Support.bytes("head"));
                    c.sendFile(path);
                    c.write(Support.bytes("between"));
                    c.sendFile(FileTransfer.of(open, 10, 20));
                    c.sendFile(FileTransfer.of(open, 5, 0));
                    c.sendFile(FileTransfer.of(channel, 999_000, FileTransfer.REST));
                    c.write(Support.bytes("tail"));
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            };
            all.run();
            c.loop().execute(() -> {
                all.run();
                c.closeAfterWrites();
            });
            assertArrayEquals(expected.toByteArray(), socket.getInputStream().readAllBytes());
            assertEquals("a normal end", closed.get(10, TimeUnit.SECONDS).getMessage());
            Support.await("no more than the open ones", () -> {
                try {
                    return openDescriptorsOf(path) == 2;
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
        }
        assertEquals(0, openDescriptorsOf(path));
        assertEquals(List.of(), List.copyOf(reports.causes));
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void whileAFileIsPendingTheConnectionIsNotReadAndProgressIsTold(Support.Platform platform) throws Exception {
        Path path = file(LARGE);
        ConcurrentLinkedQueue<Long> progress = new ConcurrentLinkedQueue<>();
        ConcurrentLinkedQueue<String> asked = new ConcurrentLinkedQueue<>();
        try (EventLoopGroup group = platform.group().loops(1).reporter(reports).open();
                CallbackServer server = server(group)
                        .outputLimit(100_000)
                        .onRequest((c, in) -> asked.add(Support.take(in)))
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            CallbackConnection c = connected();
            CompletableFuture<Void> sent = c.sendFileAsync(FileTransfer.open(path), progress::add);
            Support.await("stuck", () -> !progress.isEmpty());
            assertFalse(c.isWritable());
            assertTrue(c.pendingBytes() > 0);
            Support.send(socket, "more");
            assertEquals(1, openDescriptorsOf(path));
            assertFalse(sent.isDone());
            assertTrue(asked.isEmpty());
            Support.assertPattern(5, LARGE, socket.getInputStream());
            sent.get(10, TimeUnit.SECONDS);
            Support.await("read again", () -> String.join("", asked).equals("more"));
            assertEquals(0, c.pendingBytes());
            assertTrue(c.isWritable());
            assertTrue(progress.contains((long) LARGE));
            assertEquals(progress.stream().sorted().toList(), List.copyOf(progress));
            assertEquals(0, openDescriptorsOf(path));
        }
        assertEquals(List.of(), List.copyOf(reports.causes));
    }

    @Test
    void closingFailsWhatIsPendingAndClosesFiles() throws Exception {
        Path path = file(LARGE);
        try (EventLoopGroup group = Support.group(1, reports);
                CallbackServer server = server(group).ignoreInput().listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            CallbackConnection c = connected();
            CompletableFuture<Void> first = c.sendFileAsync(FileTransfer.open(path), null);
            CompletableFuture<Void> second = c.sendFileAsync(FileTransfer.open(path), null);
            socket.getInputStream().readNBytes(100);
            assertEquals(2, openDescriptorsOf(path));
            c.closeAsync().get(10, TimeUnit.SECONDS);
            for (CompletableFuture<Void> future : List.of(first, second)) {
                ExecutionException failure = assertThrows(ExecutionException.class, () -> future.get(10, TimeUnit.SECONDS));
                assertInstanceOf(NetparkException.Closed.class, failure.getCause());
            }
            assertEquals(0, openDescriptorsOf(path));
            assertThrows(NetparkException.Closed.class, () -> c.sendFile(path));
            assertTrue(c.sendFileAsync(FileTransfer.open(path), null).isCompletedExceptionally());
            assertThrows(NoSuchFileException.class, () -> c.sendFile(folder.resolve("none")));
            assertEquals(0, openDescriptorsOf(path));
        }
    }

    @Test
    void aFileThatIsCutOffClosesTheConnection() throws Exception {
        Path path = file(LARGE);
        try (EventLoopGroup group = Support.group(1, reports);
                CallbackServer server = server(group).ignoreInput().listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            CompletableFuture<Void> sent = connected().sendFileAsync(FileTransfer.open(path), null);
            socket.getInputStream().readNBytes(100);
            try (RandomAccessFile cut = new RandomAccessFile(path.toFile(), "rw")) {
                cut.setLength(LARGE - 1);
            }
            assertThrows(IOException.class, () -> socket.getInputStream().readAllBytes()); // what has come is not all, and does not look so
            assertInstanceOf(NetparkException.Truncated.class, closed.get(10, TimeUnit.SECONDS));
            assertThrows(ExecutionException.class, () -> sent.get(10, TimeUnit.SECONDS));
            assertEquals(0, openDescriptorsOf(path));
        }
    }

    @Test
    void aPeerThatDoesNotReadIsTimedOut() throws Exception {
        Path path = file(LARGE);
        try (EventLoopGroup group = Support.group(1, reports);
                CallbackServer server = server(group).writeTimeout(Duration.ofMillis(200)).ignoreInput().listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            connected().sendFile(path);
            NetparkException.TimedOut failure =
                    assertInstanceOf(NetparkException.TimedOut.class, closed.get(10, TimeUnit.SECONDS));
            assertEquals(NetparkException.Timeout.WRITE, failure.timeout());
            assertTrue(failure.getMessage().contains(path.toString()), failure.getMessage());
            assertEquals(0, openDescriptorsOf(path));
            assertTrue(socket.isConnected());
        }
    }

    @Test
    void aProgressCallbackThatThrowsIsReportedAndOneThatWritesIsServed() throws Exception {
        Path path = file(LARGE);
        try (EventLoopGroup group = Support.group(1, reports);
                CallbackServer server = server(group).ignoreInput().listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            CallbackConnection c = connected();
            c.sendFileAsync(FileTransfer.open(path), sent -> {
                if (sent == LARGE) {
                    try {
                        c.write(ByteBuffer.wrap("end".getBytes()));
                    } catch (NetparkException.Closed e) {
                        throw new AssertionError(e);
                    }
                    throw new IllegalStateException("thrown by a test");
                }
            });
            Support.assertPattern(5, LARGE, socket.getInputStream());
            assertEquals("end", Support.receive(socket, 3));
            Support.await("reported", () -> !reports.causes.isEmpty());
            assertEquals("thrown by a test", reports.causes.remove().getMessage());
        }
    }

    @Test
    void aThreadSendsAFileAfterWhatItWrote() throws Exception {
        Path path = file(LARGE);
        try (EventLoopGroup group = Support.group(1, reports);
                BlockingListener listener = BlockingListener.listen(group, Support.loopback(), NetOptions.DEFAULT);
                BlockingConnection client = BlockingConnection.dial(
                        group, listener.localAddress(), Duration.ofSeconds(10));
                BlockingConnection accepted = listener.accept()) {
            FutureTask<byte[]> reading = new FutureTask<>(() -> accepted.asInputStream().readNBytes(LARGE + 4));
            new Thread(reading).start();
            client.writer().putString("head");
            try (FileTransfer transfer = FileTransfer.open(path)) {
                client.send(transfer);
                assertEquals(LARGE, transfer.sent());
            }
            byte[] got = reading.get(20, TimeUnit.SECONDS);
            assertEquals("head", new String(got, 0, 4));
            assertArrayEquals(Support.patternBytes(5, LARGE), java.util.Arrays.copyOfRange(got, 4, got.length));
            assertEquals(0, openDescriptorsOf(path));
        }
    }
}
