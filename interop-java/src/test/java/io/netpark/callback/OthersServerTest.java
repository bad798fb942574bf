package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netpark.blocking.BlockingConnection;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.NetparkException.TlsFault;
import io.netpark.core.testing.Program;
import io.netpark.core.testing.tls.Authority;
import io.netpark.core.testing.tls.EngineFlavour;
import io.netpark.core.testing.tls.Identity;
import io.netpark.core.testing.tls.KeyKind;
import io.netpark.core.testing.tls.OthersServer;
import io.netpark.core.tls.ClientTls;
import io.netpark.core.tls.TlsSession;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Callback and blocking clients of TLS with servers that are not Netpark's: those of OpenSSL and of GnuTLS. */
@Timeout(120)
class OthersServerTest {

    private static final int PATIENCE_SECONDS = 30;
    private static final Identity ADA = Flavour.AUTHORITY.issueClient("Ada");
    /** For GnuTLS, which reads no key of EC as the JDK writes it. */
    private static final Identity OF_RSA = Flavour.AUTHORITY.order("localhost", "127.0.0.1").key(KeyKind.RSA).issue();

    private EventLoopGroup group;

    static Stream<Arguments> each() {
        return Stream.of("callbacks on the loop", "callbacks on workers", "blocking")
                .flatMap(api -> EngineFlavour.PROTOCOLS.stream().map(protocol -> Arguments.of(api, protocol)));
    }

    @BeforeEach
    void open() throws IOException {
        String absence = Program.absence("openssl", "version");
        assumeTrue(absence == null, absence);
        group = EventLoopGroup.builder().loops(1).daemon(true).open();
    }

    @AfterEach
    void close() {
        if (group != null) {
            group.close();
        }
    }

    /** A connection that has been dialed, whatever it is programmed with. Its reads block. */
    private interface Dialed extends AutoCloseable {
        void write(String text) throws IOException;

        String read(int count) throws IOException;

        /** The rest. */
        String readToEnd() throws IOException;

        TlsSession session();

        @Override
        void close();
    }

    private static final class Blocking implements Dialed {
        private final BlockingConnection connection;

        Blocking(BlockingConnection connection) {
            this.connection = connection;
        }

        @Override
        public void write(String text) throws IOException {
            connection.write(text.getBytes(StandardCharsets.ISO_8859_1));
        }

        @Override
        public String read(int count) throws IOException {
            return connection.awaitString(count, StandardCharsets.ISO_8859_1);
        }

        @Override
        public String readToEnd() throws IOException {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            byte[] some = new byte[8192];
            for (int count; (count = connection.read(some)) >= 0; ) {
                all.write(some, 0, count);
            }
            return all.toString(StandardCharsets.ISO_8859_1);
        }

        @Override
        public TlsSession session() {
            return connection.tlsSession();
        }

        @Override
        public void close() {
            connection.close();
        }
    }

    private static final class ByCallbacks implements Dialed {
        private final CallbackClient client;
        private final @Nullable Workers workers;
        private final StringBuilder arrived = new StringBuilder();
        private final CompletableFuture<@Nullable NetparkException> end = new CompletableFuture<>();
        private final CallbackConnection connection;

        ByCallbacks(String host, int port, ClientTls tls, @Nullable Workers workers) throws IOException {
            this.workers = workers;
            CallbackClient.Builder builder = CallbackClient.builder().loops(1).tls(tls);
            client = (workers == null ? builder : builder.workers(workers)).open();
            try {
                connection = client.dial(host, port, Callbacks.builder()
                        .onRequest((connection, in) -> {
                            synchronized (arrived) {
                                arrived.append(Support.take(in));
                                arrived.notifyAll();
                            }
                        })
                        .onClose((connection, cause) -> end.complete(cause)).build()).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            } catch (ExecutionException e) {
                close();
                throw (IOException) e.getCause();
            } catch (Exception e) {
                close();
                throw new AssertionError(e);
            }
        }

        @Override
        public void write(String text) throws IOException {
            connection.write(Support.bytes(text));
        }

        @Override
        public String read(int count) throws IOException {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
            synchronized (arrived) {
                while (arrived.length() < count) {
                    assertTrue(System.nanoTime() < end, () -> "in vain; there is " + arrived);
                    try {
                        arrived.wait(10);
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                }
                String text = arrived.substring(0, count);
                arrived.delete(0, count);
                return text;
            }
        }

        @Override
        public String readToEnd() throws IOException {
            NetparkException cause;
            try {
                cause = end.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            } catch (Exception e) {
                throw new AssertionError(e);
            }
            if (cause != null) {
                throw cause;
            }
            synchronized (arrived) {
                return arrived.toString();
            }
        }

        @Override
        public TlsSession session() {
            return connection.tlsSession();
        }

        @Override
        public void close() {
            if (connection != null) { // else it could not be dialed
                try {
                    // The server may have the last bytes before the loop has noted that they are sent: a close would take them for unsent.
                    Support.await("all is written", () -> connection.pendingBytes() == 0);
                    connection.close();
                    end.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
                } catch (Exception e) {
                    throw new AssertionError(e);
                }
            }
            client.close();
            if (workers != null) {
                workers.close();
            }
        }
    }

    private static ClientTls client(Consumer<ClientTls.Builder> configure) {
        ClientTls.Builder builder = ClientTls.builder().trust(List.of(Flavour.AUTHORITY.certificate()));
        configure.accept(builder);
        return builder.build();
    }

    private static ClientTls client() {
        return client(builder -> {});
    }

    private Dialed dial(String api, String host, int port, ClientTls tls) throws IOException {
        return switch (api) {
            case "blocking" -> new Blocking(BlockingConnection.dial(group, host, port, tls));
            case "callbacks on workers" -> new ByCallbacks(host, port, tls, Workers.pool(2, 100));
            default -> new ByCallbacks(host, port, tls, null);
        };
    }

    private Dialed dial(String api, OthersServer server, ClientTls tls) throws IOException {
        return dial(api, "127.0.0.1", server.port(), tls);
    }

    private static String option(String protocol) {
        return protocol.equals("TLSv1.3") ? "-tls1_3" : "-tls1_2";
    }

    @ParameterizedTest
    @MethodSource("each")
    void questionsAndAnswersWithNewKeysInBetween(String api, String protocol) throws Exception {
        boolean updates = protocol.equals("TLSv1.3");
        try (OthersServer server = OthersServer.openssl(Flavour.IDENTITY, null, option(protocol))) {
            try (Dialed connection = dial(api, server, client())) {
                assertEquals(protocol, connection.session().protocol());
                assertEquals(Flavour.IDENTITY.chain(), connection.session().peerCertificates());
                for (int round = 1; round <= 3; round++) {
                    if (updates) {
                        for (String letter : List.of("k", "K")) { // the server's own keys; and the client's as well
                            server.say(letter);
                            server.await("KeyUpdate");
                        }
                    }
                    server.say("a question " + round);
                    assertEquals("a question " + round + "\n", connection.read(13));
                    if (updates) {
                        server.await("KeyUpdate"); // the client's
                    }
                    connection.write("answer " + round + "\n");
                    server.await("answer " + round);
                }
            }
            server.await("DONE"); // by close_notify, and not by an error
        }
    }

    @ParameterizedTest
    @MethodSource("each")
    void pagesUpToTheirEndsBySessionsThatAreResumed(String api, String protocol) throws Exception {
        ClientTls tls = client();
        try (OthersServer server = OthersServer.openssl(Flavour.IDENTITY, null, option(protocol), "-www")) {
            for (String kind : List.of("New", "Reused", "Reused")) {
                try (Dialed connection = dial(api, server, tls)) {
                    connection.write("GET / HTTP/1.0\r\n\r\n");
                    String page = connection.readToEnd();
                    assertTrue(page.contains(kind + ", TLSv1."), page);
                    assertEquals(kind.equals("Reused"), connection.session().resumed());
                }
            }
        }
        try (OthersServer server = OthersServer.openssl(Flavour.IDENTITY, null, option(protocol), "-WWW")) {
            byte[] content = Support.patternBytes(5, 2_000_000);
            server.put("large", content);
            try (Dialed connection = dial(api, server, client())) {
                connection.write("GET /large HTTP/1.0\r\n\r\n");
                String answer = connection.readToEnd();
                assertTrue(answer.endsWith(new String(content, StandardCharsets.ISO_8859_1)), () -> answer.length() + " bytes");
            }
        }
    }

    @ParameterizedTest
    @MethodSource("each")
    void aServerThatDiesHasCutItsStreamOff(String api, String protocol) throws Exception {
        OthersServer killed = OthersServer.openssl(Flavour.IDENTITY, null, option(protocol));
        try (killed; Dialed connection = dial(api, killed, client())) {
            killed.say("last words");
            assertEquals("last words\n", connection.read(11));
            killed.kill();
            assertThrows(NetparkException.Truncated.class, connection::readToEnd);
        }
        assertThrows(NetparkException.Refused.class, () -> dial(api, killed, client()).close());
    }

    @ParameterizedTest
    @MethodSource("each")
    void aServerThatWantsACertificate(String api, String protocol) throws Exception {
        try (OthersServer server = OthersServer.openssl(Flavour.IDENTITY, Flavour.AUTHORITY, option(protocol))) {
            try (Dialed connection = dial(api, server, client(builder -> builder.certificate(ADA.chain(), ADA.key())))) {
                server.say("hello");
                assertEquals("hello\n", connection.read(6));
                connection.write("hello\n");
                server.await("hello");
            }
            NetparkException.TlsFailure missing = assertThrows(NetparkException.TlsFailure.class, () -> {
                try (Dialed connection = dial(api, server, client())) {
                    connection.readToEnd(); // a client of TLS 1.3 is done before it hears what is missing
                }
            });
            Set<TlsFault> right = Set.of(TlsFault.CERTIFICATE_MISSING, TlsFault.NO_COMMON_CIPHER);
            assertTrue(right.contains(missing.fault()), missing::toString);
            assertTrue(missing.getMessage().contains("wants a certificate"), missing::toString);
        }
    }

    @ParameterizedTest
    @MethodSource("each")
    void wrongHostsUnknownAuthoritiesAndApplicationProtocols(String api, String protocol) throws Exception {
        try (OthersServer server = OthersServer.openssl(Flavour.AUTHORITY.issue("other.test"), null, option(protocol))) {
            for (String host : List.of("localhost", "127.0.0.1")) {
                NetparkException.TlsFailure failure = assertThrows(NetparkException.TlsFailure.class,
                        () -> dial(api, host, server.port(), client()).close());
                assertEquals(TlsFault.WRONG_HOST, failure.fault());
            }
        }
        Identity stranger = Authority.root("a stranger").issue("127.0.0.1");
        try (OthersServer server = OthersServer.openssl(stranger, null, option(protocol))) {
            NetparkException.TlsFailure failure =
                    assertThrows(NetparkException.TlsFailure.class, () -> dial(api, server, client()).close());
            assertEquals(TlsFault.UNKNOWN_AUTHORITY, failure.fault());
        }
        try (OthersServer server = OthersServer.openssl(Flavour.IDENTITY, null, option(protocol), "-alpn", "h2,http/1.1")) {
            try (Dialed connection = dial(api, server, client(builder -> builder.applicationProtocols("http/1.1", "h2")))) {
                assertEquals("h2", connection.session().applicationProtocol()); // the server chooses
            }
            try (Dialed connection = dial(api, server, client())) {
                assertNull(connection.session().applicationProtocol());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("each")
    void gnutls(String api, String protocol) throws Exception {
        String absence = Program.absence("gnutls-serv", "--version");
        assumeTrue(absence == null, absence);
        String priority = "NORMAL:-VERS-ALL:+VERS-" + protocol.replace("TLSv", "TLS");
        ClientTls tls = client();
        try (OthersServer server = OthersServer.gnutls(OF_RSA, null, "--priority", priority)) {
            for (boolean resumed : new boolean[] {false, true}) {
                try (Dialed connection = dial(api, server, tls)) {
                    assertEquals(protocol, connection.session().protocol());
                    assertEquals(resumed, connection.session().resumed());
                    for (int round = 1; round <= 100; round++) {
                        String line = round + ": " + "x".repeat(round * 9) + "\n";
                        connection.write(line);
                        assertEquals(line, connection.read(line.length()));
                    }
                }
            }
        }
        try (OthersServer server = OthersServer.gnutls(OF_RSA, Flavour.AUTHORITY, "--priority", priority)) {
            try (Dialed connection = dial(api, server, client(builder -> builder.certificate(ADA.chain(), ADA.key())))) {
                connection.write("hello\n");
                assertEquals("hello\n", connection.read(6));
            }
            assertInstanceOf(NetparkException.TlsFailure.class, assertThrows(IOException.class, () -> {
                try (Dialed connection = dial(api, server, client())) {
                    connection.readToEnd();
                }
            }));
        }
    }
}
