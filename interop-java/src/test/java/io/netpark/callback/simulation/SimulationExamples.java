package io.netpark.callback.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.netpark.blocking.BlockingConnection;
import io.netpark.blocking.BlockingListener;
import io.netpark.callback.CallbackClient;
import io.netpark.callback.CallbackConnection;
import io.netpark.callback.CallbackServer;
import io.netpark.callback.Callbacks;
import io.netpark.core.sys.NetparkException;
import io.netpark.simulation.link.LinkConditions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.stream.LongStream;

/** The Java examples of docs/simulation.md, as they are there; {@link SimulationPageTest} compares and runs them. */
final class SimulationExamples {

    private SimulationExamples() {}

    /** Greets whoever says a name. */
    static void greet(CallbackConnection connection, ByteBuffer name) throws NetparkException {
        connection.write(StandardCharsets.UTF_8.encode("hello " + StandardCharsets.UTF_8.decode(name)));
    }

    static void silentServerIsGivenUp() throws Exception {
        NetworkTest.run(LongStream.rangeClosed(1, 20), test -> {
            TestHost server = test.host("server");
            TestHost client = test.host("client");
            test.network().between("server", "client", LinkConditions.IDEAL.withLatency(Duration.ofMillis(20)));
            CompletableFuture<String> answer = new CompletableFuture<>();
            CompletableFuture<NetparkException> end = new CompletableFuture<>();
            Callbacks callbacks = Callbacks.builder()
                    .onConnect(connection -> connection.write(StandardCharsets.UTF_8.encode("ann")))
                    .onRequest((connection, in) -> answer.complete(StandardCharsets.UTF_8.decode(in).toString()))
                    .onClose((connection, cause) -> end.complete(cause))
                    .build();
            try (CallbackServer greeter = server.server().onRequest(SimulationExamples::greet).listen(server.address(7000));
                    CallbackClient asking = client.client().readTimeout(Duration.ofMinutes(10)).open()) {
                asking.dial("server", greeter.port(), callbacks);
                assertEquals("hello ann", test.await(answer));
                test.network().cut("server", "client");
                assertInstanceOf(NetparkException.TimedOut.class, test.await(end));
                assertEquals(10, test.elapsed().toMinutes());
            }
        });
    }

    /** Greets whoever says a name, until there are no more. */
    static void greetAll(BlockingConnection connection) throws IOException {
        for (String name = connection.awaitLine(); name != null; name = connection.awaitLine()) {
            connection.writer().putString("hello " + name + "\n");
            connection.flush();
        }
    }

    static void threadsThatWait() throws Exception {
        NetworkTest.run(LongStream.rangeClosed(1, 20), test -> {
            TestHost server = test.host("server");
            TestHost client = test.host("client");
            BlockingListener listener = BlockingListener.listen(server.loops(), server.address(7000));
            Future<Boolean> serving = test.start(() -> {
                listener.serve(test.threads(), SimulationExamples::greetAll, null);
                return true;
            });
            try (BlockingConnection connection = BlockingConnection.dial(client.loops(), listener.localAddress())) {
                connection.setReadTimeout(Duration.ofHours(3));
                connection.write("ann\n".getBytes(StandardCharsets.UTF_8));
                assertEquals("hello ann", connection.awaitLine());
                assertThrows(NetparkException.TimedOut.class, connection::awaitLine);
                assertEquals(3, test.elapsed().toHours());
            }
            listener.close();
            test.await(serving);
        });
    }
}
