package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.pool.PoolOptions;
import io.netpark.core.report.PeerFault;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.NetparkException.TlsFault;
import io.netpark.core.testing.tls.Authority;
import io.netpark.core.testing.tls.Identity;
import io.netpark.core.tls.ClientTls;
import io.netpark.core.tls.ServerTls;
import io.netpark.core.tls.TlsSession;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** TLS of callback connections: what is different from plain ones. */
@Timeout(60)
class TlsTest {

    private static final Callbacks NONE = Callbacks.builder().build();
    private static final Duration SHORT = Duration.ofSeconds(1);

    private final Support.Reports reports = new Support.Reports();
    /** Every call of a callback. */
    private final ConcurrentLinkedQueue<String> calls = new ConcurrentLinkedQueue<>();

    static Stream<String> threads() {
        return Support.threads().stream();
    }

    private CallbackServer.Builder server(ServerTls tls) {
        return CallbackServer.builder().loops(group -> group.loops(1).metrics(true).daemon(true).reporter(reports).reportLimit(Integer.MAX_VALUE)).tls(tls)
                .onPrepare(connection -> calls.add("prepare"))
                .onConnect(connection -> calls.add("connect"))
                .onRequest((connection, in) -> {
                    calls.add("request");
                    connection.write(in);
                })
                .onFailure((connection, failure) -> calls.add("failure"))
                .onDisconnect((connection, cause) -> calls.add("disconnect"))
                .onClose((connection, cause) -> calls.add("close"));
    }

    private static ServerTls serverTls() {
        return Flavour.TLS_1_3.serverTls();
    }

    private static ServerTls impatient() {
        return ServerTls.builder().certificate(Flavour.IDENTITY.chain(), Flavour.IDENTITY.key()).handshakeTimeout(SHORT).build();
    }

    private static ClientTls clientTls() {
        return Flavour.TLS_1_3.clientTls();
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
    }

    private static Throwable failure(CompletableFuture<?> future) {
        return assertThrows(ExecutionException.class, () -> get(future)).getCause();
    }

    private static TlsFault fault(CompletableFuture<?> future) {
        return assertInstanceOf(NetparkException.TlsFailure.class, failure(future)).fault();
    }

    /** Over a connection that exists. */
    private static SSLSocket secured(Socket plain) throws IOException {
        return (SSLSocket) Flavour.jdk().getSocketFactory().createSocket(plain, "localhost", plain.getPort(), true);
    }

    // Who is told, and when

    @ParameterizedTest
    @MethodSource("threads")
    void theHandshakeIsOverBeforeTheFirstCallback(String threads) throws Exception {
        CompletableFuture<TlsSession> prepared = new CompletableFuture<>();
        CompletableFuture<TlsSession> connected = new CompletableFuture<>();
        try (Workers workers = Support.workers(threads)) {
            CallbackServer.Builder builder = CallbackServer.builder().loops(1).tls(serverTls())
                    .onPrepare(connection -> prepared.complete(connection.tlsSession()))
                    .onConnect(connection -> connected.complete(connection.tlsSession()))
                    .onRequest((connection, in) -> connection.write(in));
            if (workers != null) {
                builder.workers(workers);
            }
            CompletableFuture<String> answer = new CompletableFuture<>();
            try (CallbackServer server = builder.listen("127.0.0.1", 0);
                    CallbackClient client = CallbackClient.builder().loops(1).tls(clientTls()).open()) {
                CallbackConnection connection = get(client.dial("localhost", server.port(), Callbacks.builder()
                        .onConnect(c -> c.write(Support.bytes("hello"))) // right behind the flight that ends the handshake
                        .onRequest((c, in) -> {
                            if (in.remaining() == 5) {
                                answer.complete(Support.take(in));
                            }
                        }).build()));
                assertEquals("hello", get(answer));
                TlsSession session = connection.tlsSession();
                assertNotNull(session);
                assertEquals("TLSv1.3", session.protocol());
                assertEquals(Flavour.IDENTITY.certificate(), session.peerCertificates().get(0));
                assertEquals("localhost", get(prepared).serverName());
                assertEquals("TLSv1.3", get(connected).protocol());
                connection.close();
                assertNotNull(connection.tlsSession());
            }
        }
    }

    /** How a client spoils its handshake. */
    enum Spoiler {
        PLAIN_HTTP(true) {
            @Override
            void meet(Socket socket) throws IOException {
                Support.send(socket, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
                socket.getInputStream().readAllBytes();
            }
        },
        DISTRUST(true) {
            @Override
            void meet(Socket socket) throws Exception {
                SSLSocket distrusting = (SSLSocket) SSLContext.getDefault().getSocketFactory()
                        .createSocket(socket, "localhost", socket.getPort(), true);
                assertThrows(IOException.class, distrusting::startHandshake);
            }
        },
        A_FEW_BYTES_AND_THE_END(true) {
            @Override
            void meet(Socket socket) throws IOException {
                socket.getOutputStream().write(new byte[] {22, 3, 1});
                socket.shutdownOutput();
                socket.getInputStream().readAllBytes();
            }
        },
        A_FEW_BYTES_AND_A_RESET(true) {
            @Override
            void meet(Socket socket) throws IOException {
                socket.getOutputStream().write(new byte[] {22, 3, 1});
                Support.reset(socket);
            }
        },
        THE_END_AT_ONCE(false) {
            @Override
            void meet(Socket socket) {}
        };

        /** Whether an operator hears of it: of who has said something. */
        final boolean isReported;

        Spoiler(boolean isReported) {
            this.isReported = isReported;
        }

        abstract void meet(Socket socket) throws Exception;
    }

    @ParameterizedTest
    @EnumSource(Spoiler.class)
    void aHandshakeThatFailsReachesNoCallbackAndIsReportedOnce(Spoiler spoiler) throws Exception {
        try (CallbackServer server = server(serverTls()).listen(Support.loopback())) {
            try (Socket socket = Support.connectPlain(server)) {
                spoiler.meet(socket);
            }
            Support.await("its connection is gone", () -> server.group().snapshot().total().connectionsEver() == 1
                    && server.connections() == 0);
            try (Socket good = secured(Support.connectPlain(server))) { // and the next is served
                Support.send(good, "x");
                assertEquals("x", Support.receive(good, 1));
            }
            Support.await("all calls", () -> calls.contains("close"));
            assertEquals(List.of("prepare", "connect", "request", "disconnect", "close"), List.copyOf(calls));
            if (spoiler != Spoiler.A_FEW_BYTES_AND_A_RESET) { // of which the kernel may have dropped what came before
                assertEquals(spoiler.isReported ? 1 : 0, reports.causes.size(), reports.causes::toString);
            }
            assertEquals(0, server.group().snapshot().total().peerFaults().of(PeerFault.TLS));
        }
    }

    /** Of a handshake up to and with the client's last message, nothing less reaches the server. */
    @Test
    void aClientThatLeavesAtAnyPointOfItsHandshakeLeavesNothingBehind() throws Exception {
        try (CallbackServer server = server(serverTls()).listen(Support.loopback())) {
            int accepted = 0;
            for (int most : new int[] {1, 4, 5, 6, 43, 44, 100, 200, 300}) {
                try (Socket below = Support.connectPlain(server)) {
                    SSLSocket cut = secured(new CutSocket(below, most));
                    assertThrows(IOException.class, cut::startHandshake);
                }
                accepted++;
                int all = accepted;
                Support.await("gone after " + most, () -> server.group().snapshot().total().connectionsEver() == all
                        && server.connections() == 0);
            }
            assertEquals(List.of(), List.copyOf(calls));
        }
    }

    /** One through which so many bytes go, and then the end. */
    private static final class CutSocket extends ForwardedSocket {

        private int left;

        CutSocket(Socket below, int most) {
            super(below);
            this.left = most;
        }

        @Override
        byte[] change(byte[] bytes) {
            byte[] part = Arrays.copyOf(bytes, Math.min(left, bytes.length));
            left -= part.length;
            endsAfterwards = part.length < bytes.length;
            return part;
        }
    }

    @Test
    void clientsThatAreSilentOrTrickleHoldUpNobodyAndHaveTheirTime() throws Exception {
        Pace.within(SHORT, pace -> {
            calls.clear();
            reports.causes.clear();
            beSilentOrTrickle(pace);
        });
    }

    private void beSilentOrTrickle(Pace pace) throws Exception {
        try (CallbackServer server = server(impatient()).listen(Support.loopback())) {
            List<Socket> silent = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                silent.add(Support.connectPlain(server));
            }
            Socket trickling = Support.connectPlain(server);
            byte[] start = {22, 3, 1, 1, 0, 1, 0, 0, (byte) 0xFC, 3, 3};
            pace.step();
            try (Socket good = secured(Support.connectPlain(server))) {
                Support.send(good, "x");
                assertEquals("x", Support.receive(good, 1));
            }
            pace.step();
            for (byte b : start) { // longer than it may take
                try {
                    trickling.getOutputStream().write(b);
                } catch (IOException e) {
                    break;
                }
                Thread.sleep(SHORT.toMillis() / 4);
            }
            Support.await("all are gone", () -> server.connections() == 0);
            for (Socket socket : silent) {
                assertEquals(-1, socket.getInputStream().read());
                socket.close();
            }
            trickling.close();
            assertEquals(List.of("prepare", "connect", "request", "disconnect", "close"), List.copyOf(calls));
            Support.await("a report", () -> !reports.causes.isEmpty());
            NetparkException.TimedOut late = assertInstanceOf(NetparkException.TimedOut.class, reports.causes.poll());
            assertEquals(NetparkException.Timeout.HANDSHAKE, late.timeout());
            assertTrue(reports.causes.isEmpty(), reports.causes::toString);
        }
    }

    /** A limit of writes is about bytes that are not taken. */
    @Test
    void aWriteTimeoutThatIsShorterThanAHandshakeDoesNotEndIt() throws Exception {
        try (CallbackServer server = server(serverTls()).writeTimeout(Duration.ofMillis(20)).listen(Support.loopback());
                Socket below = Support.connectPlain(server)) {
            Thread.sleep(100);
            SSLSocket late = secured(below);
            Support.send(late, "x");
            assertEquals("x", Support.receive(late, 1));
        }
    }

    // Dialing

    private CompletableFuture<CallbackConnection> dial(CallbackClient client, String host, int port) {
        return client.dial(host, port, Callbacks.builder()
                .onPrepare(connection -> calls.add("prepare"))
                .onConnect(connection -> calls.add("connect"))
                .onFailure((connection, failure) -> calls.add("failure"))
                .onClose((connection, cause) -> calls.add("close")).build());
    }

    @Test
    void aDialToTheWrongServerFailsAndSaysWhy() throws Exception {
        Identity stranger = Authority.root("Stranger").issue("localhost");
        try (CallbackServer server = server(serverTls()).listen(Support.loopback());
                CallbackServer unknown = CallbackServer.builder().loops(1).ignoreInput()
                        .loops(group -> group.loops(1).reporter(reports).reportLimit(Integer.MAX_VALUE))
                        .tls(ServerTls.builder().certificate(stranger.chain(), stranger.key()).build()).listen(Support.loopback());
                CallbackServer plain = CallbackServer.builder().loops(1).onConnect(c -> c.write(Support.bytes("220 hello\r\n")))
                        .ignoreInput().listen(Support.loopback());
                CallbackClient client = CallbackClient.builder().loops(1).tls(clientTls())
                        .dialer(dialer -> dialer.withResolver(name -> CompletableFuture.completedFuture(
                                List.of(InetAddress.getLoopbackAddress())))).open()) {
            assertEquals(TlsFault.WRONG_HOST, fault(dial(client, "elsewhere.test", server.port())));
            assertEquals(TlsFault.UNKNOWN_AUTHORITY, fault(dial(client, "localhost", unknown.port())));
            assertEquals(TlsFault.NOT_TLS, fault(dial(client, "localhost", plain.port())));
            Support.await("nobody is left", () -> client.connections() == 0 && server.connections() == 0 && unknown.connections() == 0);
            assertEquals(List.of(), List.copyOf(calls));
        }
    }

    @Test
    @SuppressWarnings("try") // closed in the midst of it
    void aDialToASilentServerHasTheTimeOfAHandshakeAndItsOwn() throws Exception {
        ClientTls impatient = ClientTls.builder().trust(List.of(Flavour.AUTHORITY.certificate())).handshakeTimeout(SHORT).build();
        try (ServerSocket silent = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
                CallbackClient client = CallbackClient.builder().loops(1).tls(impatient).open();
                CallbackClient hasty = CallbackClient.builder().loops(1).tls(clientTls()).connectTimeout(SHORT).open()) {
            NetparkException.TimedOut late = assertInstanceOf(NetparkException.TimedOut.class,
                    failure(dial(client, "localhost", silent.getLocalPort())));
            assertEquals(NetparkException.Timeout.HANDSHAKE, late.timeout());
            late = assertInstanceOf(NetparkException.TimedOut.class, failure(dial(hasty, "localhost", silent.getLocalPort())));
            assertEquals(NetparkException.Timeout.CONNECT, late.timeout());
            CompletableFuture<CallbackConnection> cancelled = dial(client, "localhost", silent.getLocalPort());
            cancelled.cancel(false);
            CompletableFuture<CallbackConnection> closed = dial(hasty, "localhost", silent.getLocalPort());
            hasty.close();
            assertInstanceOf(NetparkException.Closed.class, failure(closed));
            assertEquals(List.of(), List.copyOf(calls));
        }
    }

    // How streams end

    @Test
    void anEndWithoutCloseNotifyIsTruncated() throws Exception {
        CompletableFuture<NetparkException> cause = new CompletableFuture<>();
        try (CallbackServer server = server(serverTls()).onClose((connection, why) -> cause.complete(why))
                .listen(Support.loopback())) {
            Socket below = Support.connectPlain(server);
            SSLSocket cut = secured(below);
            Support.send(cut, "x");
            assertEquals("x", Support.receive(cut, 1));
            below.shutdownOutput();
            assertInstanceOf(NetparkException.Truncated.class, get(cause));
            below.close();
            assertEquals(1, server.group().snapshot().total().peerFaults().of(PeerFault.TRUNCATED));
            assertTrue(calls.contains("failure"));
            assertEquals(List.of(), List.copyOf(reports.causes));
        }
    }

    /** A socket that is closed with session tickets unread would reset the connection, and drop what is on its way. */
    @Test
    void aClientThatOnlyWritesLosesNothingWhenItCloses() throws Exception {
        byte[] sent = Support.patternBytes(3, 3_000_000);
        ByteArrayOutputStream received = new ByteArrayOutputStream();
        CompletableFuture<NetparkException> cause = new CompletableFuture<>();
        try (CallbackServer server = CallbackServer.builder().loops(1).tls(serverTls()).onRequest((connection, in) -> {
                    byte[] some = new byte[in.remaining()];
                    in.get(some);
                    received.write(some, 0, some.length);
                }).onClose((connection, why) -> cause.complete(why)).listen(Support.loopback());
                CallbackClient client = CallbackClient.builder().loops(1).tls(clientTls()).open()) {
            CallbackConnection connection = get(client.dial(server.localAddress(), Callbacks.builder()
                    .onConnect(CallbackConnection::pauseReading).build()));
            connection.writeAsync(ByteBuffer.wrap(sent));
            connection.closeAfterWrites();
            assertNull(get(cause));
            assertArrayEquals(sent, received.toByteArray());
        }
    }

    // A server that ends

    @Test
    void aShutdownEndsSilentClientsAtOnceAndOthersHaveItsTime() throws Exception {
        try (CallbackServer server = server(serverTls()).listen(Support.loopback())) {
            Socket silent = Support.connectPlain(server);
            Socket begun = Support.connectPlain(server);
            begun.getOutputStream().write(new byte[] {22, 3, 1});
            Support.await("both are here", () -> server.connections() == 2);
            for (int i = 0; i < 2; i++) { // between two tasks the loop asks its poller
                server.group().loops().get(0).submit(() -> {}).get();
            }
            Shutdown.Report report = server.shutdown(Shutdown.within(SHORT));
            assertEquals(1, report.idle(), report.toString());
            assertEquals(1, report.cut(), report.toString());
            assertEquals(-1, silent.getInputStream().read());
            silent.close();
            begun.close();
            assertEquals(List.of(), List.copyOf(calls));
        }
    }

    @Test
    void closingAServerEndsHandshakes() throws Exception {
        CallbackServer server = server(serverTls()).listen(Support.loopback());
        try (Socket silent = Support.connectPlain(server)) {
            Support.await("it is here", () -> server.connections() == 1);
            server.close();
            assertEquals(0, server.connections());
            assertThrows(IOException.class, () -> {
                if (silent.getInputStream().read() == -1) {
                    throw new IOException("the end will do as well");
                }
            });
        }
        assertEquals(List.of(), List.copyOf(calls));
    }

    // Pools

    @Test
    void anIdleConnectionStaysUponAKeyUpdateAndLeavesUponCloseNotify() throws Exception {
        InetAddress loopback = InetAddress.getLoopbackAddress();
        try (ServerSocket listener = Flavour.jdk().getServerSocketFactory().createServerSocket(0, 10, loopback);
                CallbackClient client = CallbackClient.builder().loops(1).tls(clientTls()).open();
                CallbackPool pool = client.newPool(PoolOptions.DEFAULT)) {
            InetSocketAddress address = new InetSocketAddress(loopback, listener.getLocalPort());
            CompletableFuture<CallbackLease> lent = pool.borrow(address, NONE);
            SSLSocket peer = (SSLSocket) listener.accept();
            peer.startHandshake();
            get(lent).giveBack();
            Support.await("idle", () -> pool.snapshot().idle() == 1);
            Thread reader = new Thread(() -> {
                try {
                    for (int b; (b = peer.getInputStream().read()) >= 0; ) {
                        peer.getOutputStream().write(b);
                    }
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            reader.start();
            for (int i = 0; i < 3; i++) {
                peer.startHandshake(); // from TLS 1.3 on that is a key update, to be answered
                CompletableFuture<String> answer = new CompletableFuture<>();
                CallbackLease lease = get(pool.borrow(address, Callbacks.builder()
                        .onRequest((connection, in) -> answer.complete(Support.take(in))).build()));
                lease.connection().write(Support.bytes("?"));
                assertEquals("?", get(answer));
                lease.giveBack();
                Support.await("idle", () -> pool.snapshot().idle() == 1);
            }
            assertEquals(1, pool.snapshot().created());
            peer.shutdownOutput();
            Support.await("gone", () -> pool.snapshot().open() == 0);
            peer.close();
            reader.join();
        }
    }

    // What TLS cannot do

    @Test
    void aConnectionIsNotDetachedAndSaysSo() throws Exception {
        CompletableFuture<CallbackConnection> accepted = new CompletableFuture<>();
        try (CallbackServer server = server(serverTls()).onConnect(accepted::complete).listen(Support.loopback());
                Socket socket = secured(Support.connectPlain(server))) {
            Support.send(socket, "x");
            assertEquals("x", Support.receive(socket, 1));
            Throwable refused = failure(get(accepted).detachAsync());
            assertTrue(assertInstanceOf(IllegalStateException.class, refused).getMessage().contains("TLS"), refused.getMessage());
            Support.send(socket, "y"); // and it goes on
            assertEquals("y", Support.receive(socket, 1));
        }
    }
}
