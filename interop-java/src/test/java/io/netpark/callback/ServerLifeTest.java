package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ServerLifeTest {

    private final BlockingQueue<Optional<NetparkException>> causes = new LinkedBlockingQueue<>();

    private CallbackServer.Builder echo() {
        return CallbackServer.builder()
                .loops(1)
                .onRequest((connection, in) -> connection.write(in))
                .onClose((connection, cause) -> causes.add(Optional.ofNullable(cause)));
    }

    private NetparkException cause() throws InterruptedException {
        return causes.poll(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS).orElse(null);
    }

    private static int drain(CallbackServer server, Duration time) {
        return server.shutdown(Shutdown.within(time).keepingIdle()).cut();
    }

    @Test
    void drainLetsConnectionsFinishAndCutsTheRest() throws Exception {
        Duration time = Duration.ofSeconds(3);
        Pace.within(time, pace -> drainTwo(time, pace));
    }

    private void drainTwo(Duration time, Pace pace) throws Exception {
        try (CallbackServer server = echo().listen(Support.loopback());
                Socket finishing = Support.connect(server);
                Socket lingering = Support.connect(server)) {
            Support.await("both", () -> server.connections() == 2);
            pace.step();
            CompletableFuture<Integer> cut = CompletableFuture.supplyAsync(() -> drain(server, time));
            CompletableFuture<Integer> cutToo = CompletableFuture.supplyAsync(() -> drain(server, time));
            Support.await("draining", server::isDraining);
            Support.await("refused", () -> {
                try (Socket late = new Socket()) {
                    late.connect(server.localAddress());
                    return false;
                } catch (IOException e) {
                    return true;
                }
            });
            Support.await("only the two", () -> server.connections() == 2);
            causes.clear(); // of those who came in at the last moment
            Support.send(finishing, "still served");
            assertEquals("still served", Support.receive(finishing, 12));
            finishing.shutdownOutput();
            assertNull(cause());
            assertTrue(!cut.isDone());
            pace.step();
            assertEquals(1, cut.get());
            assertEquals(1, cutToo.get()); // waits too, and hears the same
            assertInstanceOf(NetparkException.Closed.class, cause());
            assertEquals(1, drain(server, Duration.ofSeconds(60))); // at once: it has been done
            assertEquals(-1, lingering.getInputStream().read());
        }
    }

    @Test
    void drainReturnsAsSoonAsEverybodyHasLeft() throws Exception {
        try (CallbackServer server = echo().listen(Support.loopback()); Socket socket = Support.connect(server)) {
            Support.await("one", () -> server.connections() == 1);
            CompletableFuture<Integer> cut = CompletableFuture.supplyAsync(() -> drain(server, Duration.ofDays(1000)));
            Support.await("draining", server::isDraining);
            Thread.sleep(20);
            socket.shutdownOutput();
            assertEquals(0, cut.get(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS));
        }
    }

    @Test
    void drainOnALoopIsRefused() throws Exception {
        try (CallbackServer server = echo().listen(Support.loopback())) {
            ExecutionException failure = assertThrows(ExecutionException.class,
                    () -> server.group().next().submit(() -> drain(server, Duration.ZERO)).get());
            assertInstanceOf(IllegalStateException.class, failure.getCause());
        }
    }

    @Test
    void closeRunsAllCloseCallbacksAndGivesDescriptorsBack() throws Exception {
        echo().listen(Support.loopback()).close(); // classes loaded
        OpenDescriptors before = OpenDescriptors.now();
        List<Socket> sockets = new ArrayList<>();
        CallbackServer server = echo().loops(2).listen(Support.loopback());
        for (int i = 0; i < 20; i++) {
            sockets.add(Support.connect(server));
        }
        Support.await("all", () -> server.connections() == 20);
        for (Socket socket : sockets) { // through their connect callbacks
            Support.send(socket, "x");
            assertEquals("x", Support.receive(socket, 1));
        }
        server.close();
        server.close();
        for (int i = 0; i < 20; i++) {
            assertInstanceOf(NetparkException.Closed.class, causes.poll().orElse(null));
        }
        for (Socket socket : sockets) {
            assertEquals(-1, socket.getInputStream().read());
            socket.close();
        }
        before.awaitOpened(0);
    }

    @Test
    void aServerCanBeClosedByACallback() throws Exception {
        CompletableFuture<CallbackServer> self = new CompletableFuture<>();
        CallbackServer server = echo().onRequest((connection, in) -> self.join().close()).listen(Support.loopback());
        self.complete(server);
        try (Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            assertInstanceOf(NetparkException.Closed.class, cause());
            assertTrue(server.group().loops().get(0).awaitTermination(10, TimeUnit.SECONDS));
        }
    }

    @Test
    void aPortInUseIsNamedAndNothingIsLeft() throws Exception {
        try (CallbackServer server = echo().listen(Support.loopback())) {
            OpenDescriptors before = OpenDescriptors.now();
            NetparkException failure =
                    assertThrows(NetparkException.class, () -> echo().listen(server.localAddress()));
            assertTrue(failure.getMessage().contains("EADDRINUSE")
                    && failure.getMessage().contains(":" + server.port()), failure.getMessage());
            before.awaitOpened(0);
        }
    }

    @Test
    void aSilentConnectionIsClosedAndABusyOneIsNot() throws Exception {
        Duration idle = Duration.ofMillis(1500);
        Pace.within(idle, pace -> {
            causes.clear();
            silentAndBusy(idle, pace);
        });
    }

    private void silentAndBusy(Duration idle, Pace pace) throws Exception {
        long start = System.nanoTime(); // before it is there
        try (EventLoopGroup group = Support.group(1, new Support.Reports());
                CallbackServer server =
                        echo().group(group).idleTimeout(idle).listen(Support.loopback());
                Socket busy = Support.connect(server);
                Socket silent = Support.connect(server)) {
            CompletableFuture<Long> ended = CompletableFuture.supplyAsync(() -> {
                try {
                    assertEquals(-1, silent.getInputStream().read());
                    return System.nanoTime() - start;
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            for (int i = 0; i < 20; i++) {
                Support.send(busy, "x");
                assertEquals("x", Support.receive(busy, 1));
                Thread.sleep(90);
                pace.step();
            }
            assertTrue(ended.get() > 1_450_000_000, "early: " + ended.get());
            NetparkException.TimedOut cause = assertInstanceOf(NetparkException.TimedOut.class, cause());
            assertEquals(NetparkException.Timeout.IDLE, cause.timeout());
            Support.await("only the busy one", () -> server.connections() == 1);
            assertEquals(-1, busy.getInputStream().read());
            assertInstanceOf(NetparkException.TimedOut.class, cause());
        }
    }
}
