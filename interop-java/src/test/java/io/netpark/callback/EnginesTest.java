package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.netpark.blocking.BlockingConnection;
import io.netpark.blocking.BlockingListener;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.files.FileTransfer;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.testing.tls.EngineFlavour;
import io.netpark.core.testing.tls.EngineSupply;
import io.netpark.core.testing.tls.Material;
import io.netpark.core.tls.ClientTls;
import io.netpark.core.tls.EngineSource;
import io.netpark.core.tls.ServerTls;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What connections do with each kind of engine, on both sides: the contract suites run with that of the JDK. */
@Timeout(60)
class EnginesTest {

    private static final String GREETING = "hello";
    private static final byte[] MUCH = Support.patternBytes(1, 700_000);

    private final Support.Reports reports = new Support.Reports();

    static Stream<Arguments> engines() {
        return EngineFlavour.available().stream()
                .flatMap(engine -> EngineFlavour.PROTOCOLS.stream().map(protocol -> Arguments.of(engine, protocol)));
    }

    static Stream<Arguments> enginesAndThreads() {
        return engines().flatMap(each -> Support.threads().stream().map(threads -> Arguments.of(each.get()[0], each.get()[1], threads)));
    }

    /** Both sides of a kind. */
    private record Ends(EngineSupply servers, EngineSupply clients, String protocol) implements AutoCloseable {

        Ends(EngineFlavour engine, String protocol) {
            this(engine.server(Material.server(Flavour.IDENTITY)), engine.client(Material.client(Flavour.AUTHORITY)), protocol);
        }

        private static EngineSource source(EngineSupply supply) {
            return EngineSource.releasing(supply::engine, supply::release);
        }

        ServerTls server() {
            return ServerTls.builder().engines(source(servers)).protocols(protocol).build();
        }

        ClientTls client() {
            return ClientTls.builder().engines(source(clients)).protocols(protocol).build();
        }

        @Override
        public void close() {
            servers.close();
            clients.close();
        }
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** Gathers what comes, up to a number of bytes. */
    private static RequestHandler gathering(int count, CompletableFuture<byte[]> all) {
        ByteArrayOutputStream got = new ByteArrayOutputStream();
        return (connection, in) -> {
            byte[] some = new byte[in.remaining()];
            in.get(some);
            got.writeBytes(some);
            if (got.size() >= count) {
                all.complete(got.toByteArray());
            }
        };
    }

    @ParameterizedTest
    @MethodSource("enginesAndThreads")
    void ofCallbacks(EngineFlavour engine, String protocol, String threads, @TempDir Path folder) throws Exception {
        Path file = Files.write(folder.resolve("much"), MUCH);
        CompletableFuture<NetparkException> closed = new CompletableFuture<>();
        try (Ends ends = new Ends(engine, protocol); Workers workers = Support.workers(threads)) {
            CallbackServer.Builder builder = CallbackServer.builder()
                    .loops(group -> group.loops(1).daemon(true).reporter(reports)).tls(ends.server())
                    .onConnect(connection -> connection.write(Support.bytes(GREETING)))
                    .onRequest((connection, in) -> connection.write(in))
                    .onClose((connection, cause) -> closed.complete(cause));
            if (workers != null) {
                builder.workers(workers);
            }
            try (CallbackServer server = builder.listen(Support.loopback());
                    CallbackClient client = CallbackClient.builder().loops(1).tls(ends.client()).open()) {
                CompletableFuture<byte[]> answer = new CompletableFuture<>();
                int count = GREETING.length() + 2 * MUCH.length;
                CallbackConnection connection =
                        get(client.dial(server.localAddress(), Callbacks.builder().onRequest(gathering(count, answer)).build()));
                assertEquals(protocol, connection.tlsSession().protocol());
                connection.write(ByteBuffer.wrap(MUCH));
                get(connection.sendFileAsync(FileTransfer.open(file), null));
                byte[] expected = ByteBuffer.allocate(count)
                        .put(Support.bytes(GREETING)).put(MUCH).put(MUCH).array();
                assertArrayEquals(expected, get(answer));
                ExecutionException refused = assertThrows(ExecutionException.class, () -> get(connection.detachAsync()));
                assertInstanceOf(IllegalStateException.class, refused.getCause());
                connection.closeAfterWrites();
                assertNull(get(closed)); // by close_notify
            }
        }
        assertEquals(List.of(), List.copyOf(reports.causes));
    }

    @ParameterizedTest
    @MethodSource("engines")
    void ofThreads(EngineFlavour engine, String protocol, @TempDir Path folder) throws Exception {
        Path file = Files.write(folder.resolve("much"), MUCH);
        try (Ends ends = new Ends(engine, protocol);
                EventLoopGroup group = Support.group(1, reports);
                BlockingListener listener =
                        BlockingListener.listen(group, Support.loopback(), NetOptions.DEFAULT, null, ends.server())) {
            CompletableFuture<Void> serving = CompletableFuture.runAsync(() -> {
                try (BlockingConnection server = listener.accept()) {
                    server.write(server.awaitBytes(MUCH.length));
                    server.sendFile(file);
                    assertFalse(server.await(1)); // by close_notify
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            }, task -> new Thread(task, "server").start());
            try (BlockingConnection client = BlockingConnection.dial(group, listener.localAddress(), ends.client())) {
                assertEquals(protocol, client.tlsSession().protocol());
                client.write(MUCH);
                assertArrayEquals(MUCH, client.awaitBytes(MUCH.length));
                assertArrayEquals(MUCH, client.awaitBytes(MUCH.length));
                assertThrows(IllegalStateException.class, client::detach);
                client.shutdownOutput();
                assertFalse(client.await(1));
            }
            get(serving);
        }
        assertEquals(List.of(), List.copyOf(reports.causes));
    }
}
