package io.netpark.blocking;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.callback.Flavour;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.report.PeerFault;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.NetparkException.TlsFault;
import io.netpark.core.tls.ClientTls;
import io.netpark.core.tls.ServerTls;
import io.netpark.core.tls.TlsSession;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** TLS as threads see it: what is different from plain connections. */
@Timeout(60)
class BlockingTlsTest {

    private static final ServerTls SERVER = Flavour.TLS_1_3.serverTls();
    private static final ClientTls CLIENT = Flavour.TLS_1_3.clientTls();

    private final Setting setting = Setting.all().get(0);
    private final ConcurrentLinkedQueue<Throwable> reported = new ConcurrentLinkedQueue<>();
    private EventLoopGroup group;

    @BeforeEach
    void open() throws IOException {
        group = setting.open((what, cause) -> reported.add(cause));
    }

    @AfterEach
    void close() {
        group.close();
    }

    private BlockingListener listen(ServerTls tls) throws IOException {
        InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        return BlockingListener.listen(group, address, NetOptions.DEFAULT, null, tls);
    }

    private static Socket plain(BlockingListener listener) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), listener.port());
        socket.setSoTimeout(10_000);
        return socket;
    }

    private static ServerTls impatient(long millis) {
        return ServerTls.builder().certificate(Flavour.IDENTITY.chain(), Flavour.IDENTITY.key())
                .handshakeTimeout(Duration.ofMillis(millis)).build();
    }

    @Test
    void whoAcceptsByHandMayWaitForTheHandshake() throws Exception {
        try (BlockingListener listener = listen(SERVER)) {
            Setting.Started<BlockingConnection> dialing =
                    setting.start(() -> BlockingConnection.dial(group, "localhost", listener.port(), CLIENT));
            try (BlockingConnection server = listener.accept()) {
                TlsSession session = server.awaitTls();
                assertEquals("localhost", session.serverName());
                assertEquals(session, server.tlsSession());
                assertEquals(session, server.awaitTls());
                try (BlockingConnection client = dialing.get()) {
                    assertEquals(Flavour.IDENTITY.certificate(), client.tlsSession().peerCertificates().get(0));
                    client.write(new byte[] {7});
                    assertEquals(7, server.awaitByte());
                }
            }
        }
    }

    @Test
    void aDialToAServerThatIsNotTrustedFails() throws Exception {
        try (BlockingListener listener = listen(SERVER)) {
            Setting.Started<BlockingConnection> accepting = setting.start(listener::accept);
            NetparkException.TlsFailure refused = assertThrows(NetparkException.TlsFailure.class,
                    () -> BlockingConnection.dial(group, listener.localAddress(), ClientTls.system()));
            assertEquals(TlsFault.UNKNOWN_AUTHORITY, refused.fault());
            try (BlockingConnection server = accepting.get()) {
                assertThrows(NetparkException.TlsFailure.class, server::awaitInt); // told to who reads as well
            }
        }
    }

    @Test
    @SuppressWarnings("try") // closed in the midst of it
    void aHandshakeThatFailsReachesNoHandler() throws Exception {
        AtomicInteger handled = new AtomicInteger();
        ConcurrentLinkedQueue<Throwable> told = new ConcurrentLinkedQueue<>();
        try (BlockingListener listener = listen(impatient(2000))) {
            Setting.Started<Void> serving = setting.start(() -> {
                listener.serve(connection -> {
                    handled.incrementAndGet();
                    assertNotNull(connection.tlsSession());
                    connection.writer().putString(connection.awaitLine() + "\n");
                    connection.flush();
                }, (connection, failure) -> told.add(failure));
                return null;
            });
            try (Socket http = plain(listener); Socket silent = plain(listener)) {
                http.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1));
                try (BlockingConnection good = BlockingConnection.dial(group, listener.localAddress(), CLIENT)) { // meanwhile
                    good.writer().putString("hello\n");
                    good.flush();
                    assertEquals("hello", good.awaitLine());
                }
                http.getInputStream().readAllBytes();
                assertEquals(-1, silent.getInputStream().read());
            }
            listener.close();
            serving.get();
            assertEquals(1, handled.get());
            assertEquals(List.of(), List.copyOf(told));
            assertEquals(1, reported.size(), reported::toString); // who has said nothing is no news
            assertEquals(TlsFault.NOT_TLS, assertInstanceOf(NetparkException.TlsFailure.class, reported.poll()).fault());
            assertEquals(0, group.snapshot().total().peerFaults().of(PeerFault.TLS));
        }
    }

    @Test
    void aShutdownDoesNotWaitForWhoHasNotBegun() throws Exception {
        AtomicInteger handled = new AtomicInteger();
        try (BlockingListener listener = listen(SERVER); Socket silent = plain(listener)) {
            CompletableFuture<Setting.Started<Void>> handling = new CompletableFuture<>();
            Setting.Started<Void> serving = setting.start(() -> {
                listener.serve(task -> handling.complete(setting.start(() -> {
                    task.run();
                    return null;
                })), connection -> handled.incrementAndGet(), null);
                return null;
            });
            handling.get().awaitWaiting();
            Shutdown.Report report = listener.shutdown(Shutdown.within(Duration.ofSeconds(30)));
            serving.get();
            assertEquals(1, report.idle(), report.toString());
            assertEquals(0, handled.get());
            assertEquals(-1, silent.getInputStream().read());
        }
    }

    @Test
    void aWaitForTheHandshakeEndsByInterruptAndDeadlineAndTheHandshakeGoesOn() throws Exception {
        try (BlockingListener listener = listen(SERVER)) {
            try (Socket below = plain(listener); BlockingConnection server = listener.accept()) {
                server.setWriteTimeout(Duration.ofMillis(10)); // which is about bytes that are not taken
                Setting.Started<Boolean> waiting = setting.start(() -> {
                    assertThrows(InterruptedIOException.class, server::awaitTls);
                    return Thread.currentThread().isInterrupted();
                });
                waiting.awaitWaiting();
                waiting.thread().interrupt();
                assertTrue(waiting.get());
                server.setWriteDeadline(Instant.now().plusMillis(50));
                NetparkException.TimedOut late = assertThrows(NetparkException.TimedOut.class, server::awaitTls);
                assertEquals(NetparkException.Timeout.WRITE, late.timeout());
                server.setWriteDeadline(null);
                Setting.Started<TlsSession> again = setting.start(server::awaitTls);
                Socket secured = Flavour.TLS_1_3.wrap(below);
                assertEquals("TLSv1.3", again.get().protocol());
                secured.getOutputStream().write(3);
                assertEquals(3, server.awaitByte());
                secured.close();
                assertFalse(server.await(1)); // close_notify is an end
            }
        }
    }

    @Test
    void anEndWithoutCloseNotifyIsTruncated() throws Exception {
        try (BlockingListener listener = listen(SERVER); Socket below = plain(listener);
                BlockingConnection server = listener.accept()) {
            Socket secured = Flavour.TLS_1_3.wrap(below);
            secured.getOutputStream().write(3);
            assertEquals(3, server.awaitByte());
            below.shutdownOutput();
            assertThrows(NetparkException.Truncated.class, () -> server.await(1));
            assertEquals(1, group.snapshot().total().peerFaults().of(PeerFault.TRUNCATED));
        }
    }

    @Test
    void aPlainConnectionHasNoHandshakeToWaitFor() throws Exception {
        try (BlockingConnection.Pair pair = BlockingConnection.pair(group)) {
            assertNull(pair.first().tlsSession());
            assertThrows(IllegalStateException.class, () -> pair.first().awaitTls());
        }
    }

    // In the middle of a protocol

    @Test
    void bothSidesBeginBehindTheLastPlainMessage() throws Exception {
        byte[] much = new byte[200_000];
        much[199_999] = 9;
        try (BlockingConnection.Pair pair = BlockingConnection.pair(group)) {
            Setting.Started<TlsSession> server = setting.start(() -> {
                assertEquals("STARTTLS", pair.second().awaitLine());
                pair.second().writer().putString("go\n"); // is flushed
                TlsSession session = pair.second().startTls(SERVER);
                pair.second().write(much);
                return session;
            });
            pair.first().writer().putString("STARTTLS\n");
            pair.first().flush();
            assertEquals("go", pair.first().awaitLine());
            assertEquals("TLSv1.3", pair.first().startTls(CLIENT, "server.test", 25).protocol());
            assertArrayEquals(much, pair.first().awaitBytes(much.length));
            assertEquals("server.test", server.get().serverName());
            assertThrows(IllegalStateException.class, () -> pair.first().startTls(CLIENT, "server.test", 25));
        }
    }

    /** CVE-2011-0411. */
    @Test
    void whatWasPutBehindTheLastPlainMessageIsNotObeyed() throws Exception {
        try (BlockingConnection.Pair pair = BlockingConnection.pair(group)) {
            pair.first().writer().putString("STARTTLS\nDROP ALL\n");
            pair.first().flush();
            assertEquals("STARTTLS", pair.second().awaitLine());
            NetparkException.TlsFailure refused =
                    assertThrows(NetparkException.TlsFailure.class, () -> pair.second().startTls(SERVER));
            assertEquals(TlsFault.NOT_TLS, refused.fault());
            assertTrue(pair.second().isClosed());
            assertThrows(IOException.class, () -> pair.second().awaitLine());
        }
    }

    @Test
    void aConfigurationThatDoesNotFitLeavesTheConnectionAsItWas() throws Exception {
        try (BlockingConnection.Pair pair = BlockingConnection.pair(group)) {
            pair.second().writer().putString("one\ntwo\n");
            pair.second().flush();
            assertEquals("one", pair.first().awaitLine());
            assertThrows(IllegalStateException.class, () -> pair.first().startTls(CLIENT)); // it has to know whom it talks to
            assertEquals("two", pair.first().awaitLine());
        }
    }
}
