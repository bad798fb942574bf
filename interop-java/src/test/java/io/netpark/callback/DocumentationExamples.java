package io.netpark.callback;

import io.netpark.blocking.BlockingConnection;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.pool.PoolOptions;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.Unowned;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;

/** The examples of the Javadoc of core and of this module, as they are there; {@link DocumentationTest} compares them. */
@SuppressWarnings({"try", "unused"})
final class DocumentationExamples {

    private DocumentationExamples() {}

    static void frames(BlockingConnection connection) throws IOException {
        while (connection.await(4)) {
            int length = connection.reader().takeInt();
            connection.awaitRest(length);
            handle(connection.reader().next(length));
            connection.reader().release();
        }
    }

    private static void handle(ByteBuffer payload) {}

    private static void print(ByteBuffer in) {}

    static void echo() throws NetparkException, InterruptedException {
        try (CallbackServer server = CallbackServer.builder()
                .onRequest((connection, in) -> connection.write(in))
                .listen("127.0.0.1", 7000)) {
            Thread.currentThread().join();
        }
    }

    static void greet(SocketAddress address, ByteBuffer greeting) throws NetparkException {
        try (CallbackClient client = CallbackClient.builder().connectTimeout(Duration.ofSeconds(3)).open()) {
            client.dial(address, Callbacks.builder().onRequest((connection, in) -> print(in)).build())
                    .thenAccept(connection -> connection.writeAsync(greeting));
        }
    }

    static void ask(CallbackClient client, Callbacks callbacks, ByteBuffer question) {
        CallbackPool pool = client.newPool(PoolOptions.DEFAULT.withMaxPerDestination(8));
        pool.borrow("db.internal", 6379, callbacks).thenAccept(lease -> {
            lease.connection().writeAsync(question); // and its request callback gives the lease back
        });
    }

    static void own(LibC libc, int flags) {
        try (Unowned event = new Unowned(libc)) {
            event.hold(libc.eventfd(0, flags));
            DescriptorHandle owner = new DescriptorHandle(event.fd());
            event.release();
        }
    }

    static CallbackMessages messages(EventLoopGroup group) throws NetparkException {
        MessageCallbacks echo = MessageCallbacks.builder()
                .onMessage((socket, message) -> socket.send(message.bytes(), message.sender()))
                .build();
        CallbackMessages socket = CallbackMessages.bind(group, new InetSocketAddress(7000), echo);
        return socket;
    }
}
