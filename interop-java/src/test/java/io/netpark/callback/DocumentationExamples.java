package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.netpark.blocking.BlockingConnection;
import io.netpark.blocking.BlockingLease;
import io.netpark.blocking.BlockingListener;
import io.netpark.blocking.BlockingPool;
import io.netpark.callback.messages.CallbackMessages;
import io.netpark.callback.messages.MessageCallbacks;
import io.netpark.callback.poller.CallbackPoller;
import io.netpark.callback.poller.Watch;
import io.netpark.callback.simulation.NetworkTest;
import io.netpark.callback.simulation.TestHost;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.listening.ListenFds;
import io.netpark.core.net.listening.ListenerDescriptor;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.net.serving.rules.Ending;
import io.netpark.core.pool.PoolOptions;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import io.netpark.core.sys.TimerFd;
import io.netpark.core.sys.Unowned;
import io.netpark.core.tls.ServerTls;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** The examples of the Javadoc of core and of this module, as they are there; {@link DocumentationTest} compares them. */
@SuppressWarnings({"try", "unused"})
final class DocumentationExamples {

    private DocumentationExamples() {}

    static void frames(BlockingConnection connection) throws IOException {
        while (connection.await(4)) {
            int length = connection.awaitInt();
            connection.awaitRest(length);
            handle(connection.reader().next(length));
            connection.reader().release();
        }
    }

    static void lines() throws IOException {
        try (BlockingListener listener = BlockingListener.listen("127.0.0.1", 7000)) {
            listener.serve(connection -> {
                for (String line = connection.awaitLine(); line != null; line = connection.awaitLine()) {
                    connection.writer().putString(line + "\n");
                    connection.flush();
                }
            });
        }
    }

    static void ask(EventLoopGroup group) throws IOException {
        BlockingPool pool = new BlockingPool(group, PoolOptions.DEFAULT.withMaxPerDestination(8));
        String answer = pool.use("db.internal", 6379, connection -> {
            connection.writer().putString("PING\r\n");
            connection.flush();
            return connection.awaitLine(512);
        });
    }

    static void askOnce(BlockingPool pool, SocketAddress address) throws IOException {
        try (BlockingLease lease = pool.borrow(address)) {
            ask(lease.connection());
            lease.giveBack(); // and if that is not reached, closing the lease discards it
        }
    }

    private static void ask(BlockingConnection connection) {}

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

    static void onSimulatedNetwork() throws Exception {
        NetworkTest.run(1, test -> {
            TestHost server = test.host("server");
            TestHost client = test.host("client");
            CompletableFuture<ByteBuffer> answer = new CompletableFuture<>();
            try (CallbackServer echo = server.server().onRequest((connection, in) -> connection.write(in)).listen(server.address(7000));
                    CallbackClient asking = client.client().open()) {
                asking.dial("server", echo.port(), Callbacks.builder()
                        .onConnect(connection -> connection.write(ByteBuffer.wrap(new byte[] {1, 2, 3})))
                        .onRequest((connection, in) -> answer.complete(ByteBuffer.allocate(in.remaining()).put(in)))
                        .build());
                assertEquals(3, test.await(answer).position());
            }
        });
    }

    static void own(LibC libc, int flags) {
        try (Unowned event = new Unowned(libc)) {
            event.hold(libc.eventfd(0, flags));
            OpenDescriptor owner = OpenDescriptor.of(libc, event.fd());
            event.release();
        }
    }

    static void passedOn(EventLoopGroup group) throws IOException {
        try (ListenFds passed = ListenFds.take()) {
            ListenerDescriptor http = ListenerDescriptor.adopt(group, passed.get("http"), NetOptions.DEFAULT, null);
        }
    }

    static void ticks() throws NetparkException, InterruptedException {
        try (CallbackPoller poller = CallbackPoller.open();
                TimerFd timer = OpenDescriptor.timerFd()) {
            poller.start(timer, Watch.READ, (descriptor, events) -> {
                if (!events.isPollerClosed()) {
                    tick(timer.takeExpirations());
                }
            });
            timer.arm(Duration.ofSeconds(1), Duration.ofSeconds(1));
            Thread.currentThread().join();
        }
    }

    private static void tick(long times) {}

    static CallbackMessages messages(EventLoopGroup group) throws NetparkException {
        MessageCallbacks echo = MessageCallbacks.builder()
                .onMessage((socket, message) -> socket.send(message.bytes(), message.sender()))
                .build();
        CallbackMessages socket = CallbackMessages.bind(group, new InetSocketAddress(7000), echo);
        return socket;
    }

    static void listenOnWhatWasPassed(EventLoopGroup group) throws NetparkException {
        try (ListenFds passed = ListenFds.take()) {
            ListenerDescriptor http = ListenerDescriptor.adopt(group, passed.get("http"), NetOptions.DEFAULT, null);
        }
    }

    static ServerTls certificateOfFiles() {
        ServerTls tls = ServerTls.of(Path.of("/etc/app/tls.crt"), Path.of("/etc/app/tls.key"));
        return tls;
    }

    static void end(Ending ending, Shutdown phases) {
        if (ending.begin(phases)) {
            for (long nanos = ending.next(); nanos != Ending.OVER; nanos = ending.next()) {
                // wait so long, or until nothing is left to wait for
            }
        }
    }
}
