package io.netpark.callback;

import static io.netpark.callback.Between.get;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.netpark.blocking.BlockingConnection;
import io.netpark.blocking.BlockingListener;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.files.FileTransfer;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.report.PeerFault;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a peer does to its own connection is counted and told, what breaks a callback is reported. */
@Timeout(60)
class PeerFaultsTest {

    private final Support.Reports reports = new Support.Reports();
    private final ConcurrentLinkedQueue<NetparkException> causes = new ConcurrentLinkedQueue<>();

    private EventLoopGroup group() throws IOException {
        return EventLoopGroup.builder().loops(1).metrics(true).daemon(true).reporter(reports).reportLimit(Integer.MAX_VALUE).open();
    }

    private CallbackServer.Builder server(EventLoopGroup group) {
        return Support.server().group(group).onClose((connection, cause) -> {
            if (cause != null) {
                causes.add(cause);
            }
        });
    }

    @Test
    void clientsThatAreIdleAreCounted() throws Exception {
        try (EventLoopGroup group = group();
                CallbackServer server = server(group).idleTimeout(Duration.ofMillis(500)).ignoreInput().listen(Support.loopback())) {
            List<Socket> clients = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                clients.add(Support.connect(server));
            }
            Support.await("all are closed", () -> causes.size() == 5);
            assertEquals(5, group.snapshot().total().peerFaults().of(PeerFault.IDLE_TIMED_OUT));
            assertEquals(List.of(), List.copyOf(reports.causes));
            for (Socket client : clients) {
                client.close();
            }
        }
    }

    @Test
    void aLineThatIsTooLongIsThePeersDoing() throws Exception {
        try (EventLoopGroup group = group();
                CallbackServer server = server(group).onInput((connection, in) -> in.takeLine(10)).listen(Support.loopback());
                Socket client = Support.connect(server)) {
            Support.send(client, "a line without end, as far as one can see");
            Support.await("it is closed", () -> causes.size() == 1);
            assertInstanceOf(NetparkException.LimitExceeded.class, causes.peek());
            assertEquals(1, group.snapshot().total().peerFaults().of(PeerFault.LIMIT));
            assertEquals(List.of(), List.copyOf(reports.causes));
        }
    }

    @Test
    void aResetIsCounted() throws Exception {
        try (EventLoopGroup group = group();
                CallbackServer server = server(group).ignoreInput().listen(Support.loopback())) {
            Socket client = Support.connect(server);
            Support.await("it is there", () -> server.connections() == 1);
            Support.reset(client);
            Support.await("it is closed", () -> causes.size() == 1);
            assertEquals(1, group.snapshot().total().peerFaults().of(PeerFault.RESET));
            assertEquals(List.of(), List.copyOf(reports.causes));
        }
    }

    @Test
    void aFailureOfAnotherConnectionIsReportedOnce() throws Exception {
        CompletableFuture<CallbackConnection> other = new CompletableFuture<>();
        NetparkException.Reset failure = new NetparkException.Reset("read from a database: it is gone");
        try (EventLoopGroup group = group();
                CallbackServer database = Support.server().group(group).onConnect(other::complete)
                        .ignoreInput()
                        .listen(Support.loopback());
                Socket known = Support.connect(database);
                CallbackServer server = server(group).onRequest((connection, in) -> {
                    failure.setAbout(other.join().core);
                    connection.close(); // though it is closed already
                    throw failure;
                }).listen(Support.loopback());
                Socket client = Support.connect(server)) {
            get(other);
            Support.send(client, "x");
            assertEquals(-1, client.getInputStream().read());
            Support.await("the report", () -> reports.causes.size() == 1);
            assertSame(failure, reports.causes.peek());
            assertEquals(0, group.snapshot().total().peerFaults().of(PeerFault.RESET));
            known.setSoTimeout(1);
        }
    }

    @Test
    void writingToItsOwnConnectionThatIsClosedIsNot() throws Exception {
        CompletableFuture<Void> closed = new CompletableFuture<>();
        try (EventLoopGroup group = group();
                CallbackServer server = server(group).onRequest((connection, in) -> {
                    connection.close();
                    connection.onClose((gone, cause) -> closed.complete(null));
                    connection.write(in);
                }).listen(Support.loopback());
                Socket client = Support.connect(server)) {
            Support.send(client, "x");
            get(closed);
            assertEquals(List.of(), List.copyOf(reports.causes));
        }
    }

    @Test
    void ofABlockingConnectionItIsCountedOnce() throws Exception {
        try (EventLoopGroup group = group();
                BlockingListener listener = BlockingListener.listen(group, Support.loopback(), NetOptions.DEFAULT);
                Socket client = new Socket(Support.loopback().getAddress(), listener.port());
                BlockingConnection connection = listener.accept()) {
            Support.send(client, "abc");
            client.shutdownOutput();
            for (int i = 0; i < 2; i++) {
                try {
                    connection.await(10);
                } catch (NetparkException.Truncated expected) {
                    // Both times.
                }
            }
            assertEquals(1, group.snapshot().total().peerFaults().of(PeerFault.TRUNCATED));
        }
    }

    @Test
    void aResetWhileABlockingConnectionSendsAFileIsCounted(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("large");
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(64 << 20);
        }
        try (EventLoopGroup group = group();
                BlockingListener listener = BlockingListener.listen(group, Support.loopback(), NetOptions.DEFAULT);
                Socket client = new Socket(Support.loopback().getAddress(), listener.port());
                BlockingConnection connection = listener.accept();
                FileTransfer transfer = FileTransfer.open(file)) {
            CompletableFuture<Void> reset = CompletableFuture.runAsync(() -> {
                try {
                    client.getInputStream().read();
                    Support.reset(client);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            assertThrows(NetparkException.Reset.class, () -> connection.send(transfer));
            reset.get();
            assertEquals(1, group.snapshot().total().peerFaults().of(PeerFault.RESET));
        }
    }
}
