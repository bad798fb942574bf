package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.Balancing;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.listening.Admission;
import java.lang.management.ManagementFactory;
import java.net.Socket;
import java.net.SocketException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OperationTest {

    private static CallbackServer.Builder echo() {
        return CallbackServer.builder().onRequest((connection, in) -> connection.write(in));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void growingAndShrinkingUnderLoadLosesAndDoublesNoByte(boolean onEachLoop) throws Exception {
        Set<String> loops = ConcurrentHashMap.newKeySet();
        CallbackServer.Builder builder = echo().onConnect(connection -> loops.add(connection.loop().toString()))
                .loops(2).loops(group -> group.name("resized").balancing(Balancing.powerOfTwoChoices()).daemon(true));
        if (onEachLoop) {
            builder.listenOnEachLoop();
        }
        try (CallbackServer server = builder.listen(Support.loopback())) {
            List<CompletableFuture<Void>> clients = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                int stream = i;
                clients.add(CompletableFuture.runAsync(() -> {
                    // Until there have been more loops than at first, as whoever resizes may be slow.
                    for (int round = 0; round < 30 || loops.size() <= 2 && round < 3000; round++) {
                        exchange(server, stream * 10_000 + round, 30_000);
                    }
                }, task -> new Thread(task).start()));
            }
            EventLoopGroup group = server.group();
            for (int turn = 0; clients.stream().anyMatch(client -> !client.isDone()); turn++) {
                group.resize(1 + turn % 4);
                Thread.sleep(5);
            }
            for (CompletableFuture<Void> client : clients) {
                client.get(60, TimeUnit.SECONDS);
            }
            assertTrue(loops.size() > 2, loops::toString);
            group.resize(1);
            Support.await("connections gone", () -> server.connections() == 0);
            if (!onEachLoop) { // a listener stays where it is
                Support.await("loops gone", () -> group.retiring().isEmpty());
            }
        }
    }

    private static void exchange(CallbackServer server, int stream, int size) {
        try (Socket socket = Support.connect(server)) {
            socket.setSoTimeout(30_000);
            CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> {
                try {
                    socket.getOutputStream().write(Support.patternBytes(stream, size));
                    socket.shutdownOutput();
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            }, task -> new Thread(task).start());
            Support.assertPattern(stream, size, socket.getInputStream());
            assertEquals(-1, socket.getInputStream().read());
            sent.get(30, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void dialingGoesOnWhileLoopsRetire() throws Exception {
        try (CallbackServer server = echo().loops(1).listen(Support.loopback());
                CallbackClient client = CallbackClient.builder().loops(4).open()) {
            for (int round = 0; round < 100; round++) {
                List<CompletableFuture<CallbackConnection>> dials = new ArrayList<>();
                for (int i = 0; i < 8; i++) {
                    dials.add(client.dial(server.localAddress(), Callbacks.builder().build()));
                    if (i == 4) {
                        client.group().resize(1 + round % 4);
                    }
                }
                for (CompletableFuture<CallbackConnection> dial : dials) {
                    dial.get(10, TimeUnit.SECONDS).close();
                }
            }
        }
    }

    @Test
    void aBalancingThatThrowsCostsOneConnectionAndNotTheServer() throws Exception {
        AtomicBoolean throwing = new AtomicBoolean(true);
        Balancing turns = Balancing.roundRobin();
        Support.Reports reports = new Support.Reports();
        try (CallbackServer server = echo().loops(group -> group.reporter(reports).reportLimit(Integer.MAX_VALUE).balancing((loops, source) -> {
                    if (source != 0 && throwing.getAndSet(false)) {
                        throw new IllegalStateException("on purpose");
                    }
                    return turns.choose(loops, source);
                })).listen(Support.loopback());
                Socket unlucky = Support.connect(server);
                Socket lucky = Support.connect(server)) {
            assertEquals(-1, unlucky.getInputStream().read());
            Support.send(lucky, "x");
            assertEquals("x", Support.receive(lucky, 1));
            Support.await("a report", () -> reports.causes.size() == 1);
        }
    }

    @Test
    void connectionsInExcessWaitForRoom() throws Exception {
        Admission admission = Admission.of(1, Admission.Excess.WAIT);
        try (CallbackServer server = echo().loops(1).admission(admission).listen(Support.loopback());
                Socket second = new Socket()) {
            try (Socket first = Support.connect(server)) {
                Support.send(first, "x");
                assertEquals("x", Support.receive(first, 1));
                second.connect(server.localAddress(), Support.TIMEOUT_MILLIS);
                Support.send(second, "y");
                Thread.sleep(50);
                assertEquals(1, server.connections());
            }
            second.setSoTimeout(Support.TIMEOUT_MILLIS);
            assertEquals("y", Support.receive(second, 1));
        }
    }

    @Test
    void connectionsInExcessOfOneAddressAreRefused() throws Exception {
        try (CallbackServer server = echo().loops(group -> group.reporter((what, cause) -> {}))
                        .admission(Admission.perSource(1)).listen(Support.loopback());
                Socket first = Support.connect(server)) {
            Support.send(first, "x");
            assertEquals("x", Support.receive(first, 1));
            assertThrows(SocketException.class, () -> {
                try (Socket second = Support.connect(server)) {
                    second.getInputStream().read();
                }
            });
        }
    }

    /** In a JVM of its own, with few descriptors. */
    @Test
    void runningOutOfDescriptorsTwiceHarmsNobodyWhoIsConnected() throws Exception {
        List<String> command = new ArrayList<>(List.of(
                "bash", "-c", "ulimit -n 300; exec \"$@\"", "bash",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:-MaxFDLimit"));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(option -> option.startsWith("--")).forEach(command::add);
        command.addAll(List.of("-cp", System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                ExhaustionProbe.class.getName()));
        Process probe = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(probe.getInputStream().readAllBytes());
        assertEquals(0, probe.waitFor(), output);
    }
}
