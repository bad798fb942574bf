package io.netpark.callback;

import java.io.IOException;

final class ReadmeExample {

    private ReadmeExample() {}

    static void echoServer(int port) throws IOException, InterruptedException {
        try (CallbackServer server = CallbackServer.builder()
                .onRequest((connection, in) -> connection.write(in))
                .onClose((connection, cause) -> System.out.println("goodbye " + connection.remoteAddress()))
                .listen("127.0.0.1", port)) {
            System.out.println("listening on " + server.localAddress());
            Thread.currentThread().join();
        }
    }
}
