package io.netpark.callback;

import io.netpark.blocking.BlockingConnection;
import io.netpark.blocking.BlockingListener;
import io.netpark.core.framing.Framing;
import io.netpark.core.net.serving.Shutdown;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The protocol of docs/apis.md with callbacks and for threads; {@link ApisTest} compares them, and runs both. */
final class ApisExamples {

    private ApisExamples() {}

    /** Serves from now on. */
    static CallbackServer keyValues(SocketAddress address) throws IOException {
        Map<String, String> values = new ConcurrentHashMap<>();
        return CallbackServer.builder()
                .readTimeout(Duration.ofMinutes(1))
                .writeTimeout(Duration.ofSeconds(10))
                .onMessage(Framing.lines(1_000), (connection, line) -> {
                    String answer = answer(StandardCharsets.UTF_8.decode(line).toString(), values) + "\n";
                    connection.write(ByteBuffer.wrap(answer.getBytes(StandardCharsets.UTF_8)));
                })
                .listen(address);
    }

    /** Lets requests finish for up to twenty seconds. */
    static Shutdown.Report end(CallbackServer server) {
        try (server) {
            return server.shutdown(Shutdown.within(Duration.ofSeconds(20)).flushing(Duration.ofSeconds(2)));
        }
    }

    /** Serves until the listener is shut down or closed. */
    static void keyValues(BlockingListener listener) throws IOException {
        Map<String, String> values = new ConcurrentHashMap<>();
        listener.serve(connection -> serve(connection, values));
    }

    /** Lets requests finish for up to twenty seconds. */
    static Shutdown.Report end(BlockingListener listener) {
        try (listener) {
            return listener.shutdown(Shutdown.within(Duration.ofSeconds(20)).flushing(Duration.ofSeconds(2)));
        }
    }

    static void serve(BlockingConnection connection, Map<String, String> values) throws IOException {
        connection.setReadTimeout(Duration.ofMinutes(1));
        connection.setWriteTimeout(Duration.ofSeconds(10));
        while (connection.awaitRequest()) { // false at the end, and when the server shuts down
            String line = connection.awaitLine(1_000);
            if (line == null) {
                return;
            }
            connection.writer().putString(answer(line, values) + "\n");
            connection.flush();
        }
    }

    static String answer(String line, Map<String, String> values) {
        String[] words = line.split(" ", 3);
        if (words.length == 2 && words[0].equals("get")) {
            return values.getOrDefault(words[1], "none");
        } else if (words.length == 3 && words[0].equals("set")) {
            values.put(words[1], words[2]);
            return "ok";
        }
        return "error: get KEY, or set KEY VALUE";
    }
}
