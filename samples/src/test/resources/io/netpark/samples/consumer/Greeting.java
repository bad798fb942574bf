package greeting;

import io.netpark.callback.CallbackClient;
import io.netpark.callback.CallbackConnection;
import io.netpark.callback.CallbackServer;
import io.netpark.callback.Callbacks;
import io.netpark.core.sys.Binding;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A server and a client of it, by callbacks. */
public final class Greeting {

    private Greeting() {}

    public static void main(String[] arguments) throws Exception {
        CompletableFuture<String> answer = new CompletableFuture<>();
        try (CallbackServer server = CallbackServer.builder()
                        .onRequest((connection, in) -> connection.write(bytes("hello " + text(in))))
                        .listen("127.0.0.1", 0);
                CallbackClient client = CallbackClient.builder().open()) {
            Callbacks callbacks = Callbacks.builder()
                    .onRequest((connection, in) -> answer.complete(text(in)))
                    .build();
            CallbackConnection connection = client.dial(server.localAddress(), callbacks).get(20, TimeUnit.SECONDS);
            connection.write(bytes("world"));
            System.out.println(answer.get(20, TimeUnit.SECONDS));
        }
        System.out.println(Binding.defaultLibC().getClass().getSimpleName());
        System.out.println(Greeting.class.getModule() + ", " + CallbackServer.class.getModule());
    }

    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String text(ByteBuffer in) {
        return StandardCharsets.UTF_8.decode(in).toString();
    }
}
