package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.netpark.blocking.BlockingConnection;
import io.netpark.blocking.BlockingListener;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.testing.tls.NotedManagers;
import io.netpark.core.tls.ClientAuth;
import io.netpark.core.tls.ClientTls;
import io.netpark.core.tls.ServerTls;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Key managers and trust managers may wait: they are called by event loops only where that is asked for. */
@Timeout(60)
class TlsManagersTest {

    private static final Set<String> ALL = Set.of("key", "trust");

    private final NotedManagers ofServer = new NotedManagers(Flavour.IDENTITY, Flavour.AUTHORITY);
    private final NotedManagers ofClient = new NotedManagers(Flavour.AUTHORITY.issueClient("ann"), Flavour.AUTHORITY);
    private final Support.Reports reports = new Support.Reports();

    private ServerTls serverTls(boolean tasksOnLoop, String protocol) {
        ServerTls.Builder builder =
                ServerTls.builder().context(ofServer.context()).clientAuth(ClientAuth.NEEDED).protocols(protocol);
        return (tasksOnLoop ? builder.tasksOnLoop() : builder).build();
    }

    private ClientTls clientTls(boolean tasksOnLoop, String protocol) {
        ClientTls.Builder builder = ClientTls.builder().context(ofClient.context()).protocols(protocol);
        return (tasksOnLoop ? builder.tasksOnLoop() : builder).build();
    }

    private void assertCalled(boolean onLoop) {
        for (NotedManagers managers : List.of(ofServer, ofClient)) {
            assertEquals(onLoop ? ALL : Set.of(), managers.onLoop());
            assertEquals(onLoop ? Set.of() : ALL, managers.elsewhere());
        }
        assertEquals(List.of(), List.copyOf(reports.causes));
    }

    @ParameterizedTest
    @CsvSource({"false, TLSv1.3", "true, TLSv1.3", "false, TLSv1.2", "true, TLSv1.2"})
    void ofCallbacks(boolean tasksOnLoop, String protocol) throws Exception {
        CompletableFuture<String> answered = new CompletableFuture<>();
        Callbacks callbacks = Callbacks.builder().onRequest((connection, in) -> answered.complete(Support.take(in))).build();
        try (CallbackServer server = CallbackServer.builder()
                        .loops(group -> group.loops(1).daemon(true).reporter(reports).reportLimit(Integer.MAX_VALUE))
                        .tls(serverTls(tasksOnLoop, protocol))
                        .onRequest((connection, in) -> connection.write(in))
                        .listen(Support.loopback());
                CallbackClient client = CallbackClient.builder().tls(clientTls(tasksOnLoop, protocol)).open()) {
            CallbackConnection connection = client.dial("localhost", server.port(), callbacks)
                    .get(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
            connection.write(Support.bytes("x"));
            assertEquals("x", answered.get(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS));
            connection.close();
        }
        assertCalled(tasksOnLoop);
    }

    @ParameterizedTest
    @CsvSource({"false, TLSv1.3", "true, TLSv1.3", "false, TLSv1.2", "true, TLSv1.2"})
    void ofThreads(boolean tasksOnLoop, String protocol) throws Exception {
        try (EventLoopGroup group = Support.group(1, reports);
                BlockingListener listener = BlockingListener.listen(
                        group, Support.loopback(), NetOptions.DEFAULT, null, serverTls(tasksOnLoop, protocol))) {
            CompletableFuture<Byte> read = CompletableFuture.supplyAsync(() -> {
                try (BlockingConnection server = listener.accept()) {
                    return server.awaitByte();
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            }, task -> new Thread(task, "server").start());
            try (BlockingConnection client =
                    BlockingConnection.dial(group, "localhost", listener.port(), clientTls(tasksOnLoop, protocol))) {
                client.write(new byte[] {7});
                assertEquals((byte) 7, read.get(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS));
            }
        }
        assertCalled(tasksOnLoop);
    }
}
