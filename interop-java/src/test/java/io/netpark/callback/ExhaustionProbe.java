package io.netpark.callback;

import io.netpark.core.loop.EventLoopGroup;
import java.io.FileInputStream;
import java.io.IOException;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Runs out of descriptors twice. Exits with 0 if each time the server told it once, went on serving who was connected, spent no
 * processor time on it, and accepted again when there were descriptors.
 */
final class ExhaustionProbe {

    private ExhaustionProbe() {}

    public static void main(String[] args) throws Exception {
        ConcurrentLinkedQueue<String> reports = new ConcurrentLinkedQueue<>();
        try (EventLoopGroup group = EventLoopGroup.builder().loops(1).metrics(true)
                        .reporter((what, cause) -> reports.add(what + ": " + cause.getMessage())).open();
                CallbackServer server = CallbackServer.builder().group(group)
                        .onRequest((connection, in) -> connection.write(in)).listen(Support.loopback());
                Socket connected = Support.connect(server)) {
            exchange(connected);
            // What is used below, while there are descriptors to load its classes with.
            Support.cpuNanos(group.first());
            AtomicInteger looks = new AtomicInteger();
            Support.await("the second look", () -> looks.incrementAndGet() == 2);
            require(group.snapshot().total().acceptPauses() == 0, "without reason");
            for (int episode = 1; episode <= 2; episode++) {
                // Connects while there are descriptors, so that the client's own are not what is missing.
                List<Socket> waiting = new ArrayList<>();
                for (int i = 0; i < 5; i++) {
                    waiting.add(new Socket());
                    waiting.get(i).bind(null);
                }
                List<FileInputStream> hoard = new ArrayList<>();
                // Again, until nothing comes back: another thread of the JVM may have had one open for a moment, for a class, say.
                for (List<FileInputStream> more = hoard(); !more.isEmpty(); more = hoard()) {
                    hoard.addAll(more);
                    group.first().submit(() -> { }).get();
                    Thread.sleep(10);
                }
                for (Socket socket : waiting) {
                    socket.connect(server.localAddress(), Support.TIMEOUT_MILLIS);
                }
                int expected = episode;
                Support.await("a report", () -> reports.size() == expected);
                long cpu = Support.cpuNanos(group.first());
                for (int i = 0; i < 20; i++) {
                    exchange(connected);
                    Thread.sleep(10);
                }
                long spent = Support.cpuNanos(group.first()) - cpu;
                require(spent < 150_000_000, "spun: " + spent + " ns of CPU");
                require(server.connections() == 1, "accepted without descriptors");
                for (FileInputStream file : hoard) {
                    file.close();
                }
                for (Socket socket : waiting) {
                    socket.setSoTimeout(Support.TIMEOUT_MILLIS);
                    exchange(socket);
                    socket.close();
                }
                Support.await("they have left", () -> server.connections() == 1);
                require(reports.size() == expected, "more than one report an episode: " + reports);
                require(group.snapshot().total().acceptPauses() == expected, "miscounted");
            }
            require(reports.stream().allMatch(report -> report.contains("EMFILE")), reports.toString());
        }
    }

    /** Takes all descriptors there are. */
    private static List<FileInputStream> hoard() {
        List<FileInputStream> files = new ArrayList<>();
        try {
            while (true) {
                files.add(new FileInputStream("/dev/null"));
            }
        } catch (IOException e) {
            return files; // Too many open files
        }
    }

    private static void exchange(Socket socket) throws IOException {
        Support.send(socket, "x");
        require(Support.receive(socket, 1).equals("x"), "no answer");
    }

    private static void require(boolean condition, String what) {
        if (!condition) {
            System.out.println(what);
            System.exit(1);
        }
    }
}
