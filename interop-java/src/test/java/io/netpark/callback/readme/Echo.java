package io.netpark.callback.readme;

import io.netpark.callback.CallbackServer;
import java.io.IOException;

public class Echo {

    public static void main(String[] arguments) throws IOException, InterruptedException {
        serve(7000);
    }

    public static void serve(int port) throws IOException, InterruptedException {
        try (CallbackServer server = CallbackServer.builder()
                .onRequest((connection, in) -> connection.write(in))
                .onClose((connection, cause) -> System.out.println("goodbye " + connection.remoteAddress()))
                .listen("127.0.0.1", port)) {
            System.out.println("listening on " + server.localAddress());
            Thread.currentThread().join();
        }
    }
}
