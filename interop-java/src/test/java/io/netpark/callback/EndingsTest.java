package io.netpark.callback;

import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.netpark.callback.EndingScene.Ending;
import io.netpark.callback.EndingScene.Place;
import io.netpark.core.loop.EventLoopGroup;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every way in which a connection can end, at every place where it can, with every kind of thread: {@link EndingScene}. */
class EndingsTest {

    private static final List<String> THREADS = List.of("loop", "pool", "virtual");

    @TestFactory
    Stream<DynamicTest> callbacksComeInOrderAndOnce() {
        return scenes(THREADS, (threads, reader, ending, place) -> {
            assumeTrue(!threads.equals("virtual") || Runtime.version().feature() >= 21, "virtual threads need JDK 21");
            new EndingScene(new OnSockets(), threads, reader, ending, place).play();
        });
    }

    /** Plays a scene. */
    interface Player {
        void play(String threads, boolean reader, Ending ending, Place place) throws Exception;
    }

    static Stream<DynamicTest> scenes(List<String> kinds, Player player) {
        List<DynamicTest> tests = new ArrayList<>();
        for (String threads : kinds) {
            for (boolean reader : new boolean[] {false, true}) {
                for (Ending ending : Ending.values()) {
                    for (Place place : Place.values()) {
                        tests.add(dynamicTest(ending + " in " + place + " on " + threads + (reader ? ", input" : ""),
                                () -> player.play(threads, reader, ending, place)));
                    }
                }
            }
        }
        return tests.stream();
    }

    /** The kernel's sockets, and threads that wait as they do. */
    private static final class OnSockets implements EndingScene.Stage {

        @Override
        public EventLoopGroup group(Support.Reports reports) throws IOException {
            return Support.group(1, reports);
        }

        @Override
        public CallbackServer.Builder server() {
            return Support.server();
        }

        @Override
        public InetSocketAddress address() {
            return Support.loopback();
        }

        @Override
        public @Nullable Workers workers(String threads) {
            return threads.equals("loop") ? null : threads.equals("pool") ? Workers.pool(2, 10) : Workers.virtualThreads();
        }

        /** Not connected if the server was faster: it resets connections that the client does not know of yet. */
        @Override
        public EndingScene.Peer connect(CallbackServer server) throws IOException {
            try {
                return new SocketPeer(Support.connect(server));
            } catch (SocketException e) {
                return new SocketPeer(new Socket());
            }
        }

        @Override
        public void await(String what, BooleanSupplier condition) throws InterruptedException {
            Support.await(what, condition);
        }

        @Override
        public void elsewhere(Runnable action) throws InterruptedException {
            Thread thread = new Thread(action);
            thread.start();
            thread.join();
        }
    }

    private record SocketPeer(Socket socket) implements EndingScene.Peer {

        @Override
        public void send(String text) {
            Support.send(socket, text);
        }

        @Override
        public void shutdownOutput() throws IOException {
            socket.shutdownOutput();
        }

        @Override
        public boolean isOutputShutdown() {
            return socket.isOutputShutdown();
        }

        @Override
        public void reset() throws IOException {
            Support.reset(socket);
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
