package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.NetparkException.TlsFault;
import io.netpark.core.tls.ClientTls;
import io.netpark.core.tls.ServerTls;
import io.netpark.core.tls.TlsSession;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** TLS that begins in the middle of a protocol. */
@Timeout(60)
class StartTlsTest {

    private static final ServerTls SERVER = Flavour.TLS_1_3.serverTls();
    private static final ClientTls CLIENT = Flavour.TLS_1_3.clientTls();
    private static final String START = "STARTTLS\n";

    private final ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
    private final CompletableFuture<CompletableFuture<TlsSession>> started = new CompletableFuture<>();
    private final CompletableFuture<NetparkException> closed = new CompletableFuture<>();

    static Stream<String> threads() {
        return Support.threads().stream();
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
    }

    private static Throwable failure(CompletableFuture<?> future) {
        return assertThrows(ExecutionException.class, () -> get(future)).getCause();
    }

    /** Takes one line a call; answers, and begins TLS after the line that asks for it. */
    private CallbackServer.Builder server(String go) {
        return CallbackServer.builder().loops(1)
                .onRequest((connection, in) -> {
                    byte[] line = new byte[START.length()];
                    if (connection.tlsSession() == null && in.remaining() >= line.length) {
                        in.get(line);
                        seen.add(new String(line, StandardCharsets.ISO_8859_1));
                        connection.write(Support.bytes(go));
                        started.complete(connection.startTls(SERVER));
                        connection.write(Support.bytes("<")); // and this is encrypted
                    } else if (connection.tlsSession() != null) {
                        String text = Support.take(in);
                        seen.add(text);
                        connection.write(Support.bytes(text));
                    }
                })
                .onClose((connection, cause) -> closed.complete(cause));
    }

    private static SSLSocket secured(Socket plain) throws Exception {
        return (SSLSocket) Flavour.jdk().getSocketFactory().createSocket(plain, "localhost", plain.getPort(), true);
    }

    @ParameterizedTest
    @MethodSource("threads")
    void bothSidesBeginBehindTheLastPlainMessage(String threads) throws Exception {
        CompletableFuture<String> answer = new CompletableFuture<>();
        CompletableFuture<CompletableFuture<TlsSession>> dialed = new CompletableFuture<>();
        try (Workers workers = Support.workers(threads)) {
            CallbackServer.Builder builder = server("go\n");
            CallbackClient.Builder clients = CallbackClient.builder().loops(1);
            if (workers != null) {
                builder.workers(workers);
                clients.workers(workers);
            }
            try (CallbackServer server = builder.listen(Support.loopback()); CallbackClient client = clients.open()) {
                StringBuilder text = new StringBuilder();
                CallbackConnection connection = get(client.dial(server.localAddress(), Callbacks.builder()
                        .onRequest((c, in) -> {
                            if (c.tlsSession() == null) {
                                if (in.remaining() >= 3) {
                                    in.position(in.position() + 3);
                                    dialed.complete(c.startTls(CLIENT, "localhost", server.port()));
                                    c.write(Support.bytes("secret"));
                                }
                            } else if (text.append(Support.take(in)).length() == 7) {
                                answer.complete(text.toString());
                            }
                        }).build()));
                connection.write(Support.bytes(START));
                assertEquals("<secret", get(answer));
                assertEquals("TLSv1.3", get(get(started)).protocol());
                assertEquals(Flavour.IDENTITY.certificate(), get(get(dialed)).peerCertificates().get(0));
                assertThrows(IllegalStateException.class, () -> connection.startTls(CLIENT, "localhost", server.port()));
                assertTrue(connection.isOpen());
            }
        }
    }

    /** CVE-2011-0411. */
    @ParameterizedTest
    @MethodSource("threads")
    void whatWasPutBehindTheLastPlainMessageIsNotObeyed(String threads) throws Exception {
        try (Workers workers = Support.workers(threads)) {
            CallbackServer.Builder builder = server("go\n");
            if (workers != null) {
                builder.workers(workers);
            }
            try (CallbackServer server = builder.listen(Support.loopback()); Socket socket = Support.connectPlain(server)) {
                Support.send(socket, START + "DROP ALL\n");
                TlsFault fault = assertInstanceOf(NetparkException.TlsFailure.class, failure(get(started))).fault();
                assertEquals(TlsFault.NOT_TLS, fault);
                assertInstanceOf(NetparkException.TlsFailure.class, get(closed));
                assertEquals(List.of(START), List.copyOf(seen));
            }
        }
    }

    /** A client that does not wait for the answer sends its handshake behind the message, and the reader has it. */
    @ParameterizedTest
    @MethodSource("threads")
    void theHandshakeMayHaveBeenReadAlready(String threads) throws Exception {
        try (Workers workers = Support.workers(threads)) {
            CallbackServer.Builder builder = server("");
            if (workers != null) {
                builder.workers(workers);
            }
            try (CallbackServer server = builder.listen(Support.loopback()); Socket socket = Support.connectPlain(server)) {
                SSLSocket secured = secured(new Ahead(socket, START));
                Support.send(secured, "x");
                assertEquals("<x", Support.receive(secured, 2));
                assertEquals("TLSv1.3", get(get(started)).protocol());
            }
        }
    }

    /** Whose first bytes go in front of what is sent first, in one piece. */
    private static final class Ahead extends ForwardedSocket {

        private String first;

        Ahead(Socket below, String first) {
            super(below);
            this.first = first;
        }

        @Override
        byte[] change(byte[] bytes) {
            byte[] before = first.getBytes(StandardCharsets.ISO_8859_1);
            first = "";
            return ByteBuffer.allocate(before.length + bytes.length).put(before).put(bytes).array();
        }
    }

    @Test
    void aConfigurationThatDoesNotFitLeavesTheConnectionAsItWas() throws Exception {
        CompletableFuture<String> more = new CompletableFuture<>();
        CompletableFuture<CallbackConnection> accepted = new CompletableFuture<>();
        try (CallbackServer server = CallbackServer.builder().loops(1).onConnect(accepted::complete)
                        .onRequest((connection, in) -> {
                            if (in.remaining() >= 2) {
                                more.complete(Support.take(in));
                            }
                        }).listen(Support.loopback());
                Socket socket = Support.connectPlain(server)) {
            Support.send(socket, "a");
            CallbackConnection connection = get(accepted);
            // A client has to know whom it talks to.
            assertInstanceOf(IllegalStateException.class, failure(connection.startTls(CLIENT)));
            assertNull(connection.tlsSession());
            Support.send(socket, "b");
            assertEquals("ab", get(more));
        }
    }

    @Test
    void itIsTakenBackBeforeItBeginsAndClosesTheConnectionAfterwards() throws Exception {
        CompletableFuture<CallbackConnection> accepted = new CompletableFuture<>();
        CompletableFuture<String> request = new CompletableFuture<>();
        try (CallbackServer server = CallbackServer.builder().loops(1).onConnect(accepted::complete)
                        .onRequest((connection, in) -> request.complete(Support.take(in)))
                        .onClose((connection, cause) -> closed.complete(cause)).listen(Support.loopback());
                Socket socket = Support.connectPlain(server)) {
            CallbackConnection connection = get(accepted);
            assertTrue(connection.loop().submit(() -> connection.startTls(SERVER).cancel(false)).get());
            Support.send(socket, "x");
            assertEquals("x", get(request));
            CompletableFuture<TlsSession> begun = connection.startTls(SERVER);
            for (int i = 0; i < 4; i++) { // until it has begun: it goes on by tasks of the loop
                connection.loop().submit(() -> {}).get();
            }
            begun.cancel(false);
            assertInstanceOf(NetparkException.Closed.class, get(closed));
            assertEquals(-1, socket.getInputStream().read());
        }
    }

    @Test
    @SuppressWarnings("try") // a client that says nothing
    void aHandshakeThatTakesTooLongOrIsCutOffFailsTheFuture() throws Exception {
        ServerTls impatient = ServerTls.builder().certificate(Flavour.IDENTITY.chain(), Flavour.IDENTITY.key())
                .handshakeTimeout(Duration.ofMillis(100)).build();
        ConcurrentLinkedQueue<CallbackConnection> accepted = new ConcurrentLinkedQueue<>();
        ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
        try (CallbackServer server = CallbackServer.builder().loops(1).onConnect(accepted::add)
                        .ignoreInput().onFailure((connection, failure) -> failures.add(failure)).listen(Support.loopback());
                Socket silent = Support.connectPlain(server)) {
            Support.await("accepted", () -> accepted.size() == 1);
            NetparkException.TimedOut late = assertInstanceOf(NetparkException.TimedOut.class,
                    failure(accepted.poll().startTls(impatient)));
            assertEquals(NetparkException.Timeout.HANDSHAKE, late.timeout());
            Support.await("told", () -> failures.size() == 1);
            assertEquals(-1, silent.getInputStream().read());
            try (Socket other = Support.connectPlain(server)) {
                Support.await("accepted", () -> accepted.size() == 1);
                CallbackConnection connection = accepted.poll();
                CompletableFuture<TlsSession> going = connection.startTls(SERVER);
                connection.close();
                assertInstanceOf(NetparkException.Closed.class, failure(going));
            }
        }
    }

    @Test
    void whoCopiesOrHasEndedItsOutputCannotBegin() throws Exception {
        try (CallbackClient client = CallbackClient.builder().loops(1).open()) {
            Callbacks none = Callbacks.builder().ignoreInput().build();
            CallbackPair one = client.pair(none, none);
            CallbackPair other = client.pair(none, none);
            CompletableFuture<Long> copy = one.first().copyTo(other.first());
            assertThrows(IllegalStateException.class, () -> one.first().startTls(SERVER));
            copy.cancel(false);
            one.second().shutdownOutput();
            assertInstanceOf(NetparkException.Closed.class, failure(one.second().startTls(SERVER)));
            CompletableFuture<TlsSession> begun = other.first().startTls(SERVER);
            assertThrows(IllegalStateException.class, () -> other.first().copyTo(one.first()));
            get(other.second().startTls(CLIENT, "server.test", 1)); // over a pair, as tests do
            assertNotNull(get(begun));
            assertFalse(get(begun).resumed());
        }
    }
}
