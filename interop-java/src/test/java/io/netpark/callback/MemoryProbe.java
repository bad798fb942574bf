package io.netpark.callback;

import java.io.IOException;
import java.net.Socket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Is sent a message that its heap has no room for, by one connection after the other. Exits with 0 if each ends and who sends
 * little is served all the while.
 */
final class MemoryProbe {

    private MemoryProbe() {}

    public static void main(String[] args) throws Exception {
        Support.Reports reports = new Support.Reports();
        CompletableFuture<?>[] ended = {new CompletableFuture<Void>(), new CompletableFuture<Void>()};
        try (CallbackServer server = CallbackServer.builder().loops(loops -> loops.loops(1).daemon(true).reporter(reports))
                        .inputLimit(1 << 30)
                        .onRequest((connection, in) -> {
                            if (in.get(in.position()) != 'x') {
                                connection.write(in);
                            }
                        })
                        .onClose((connection, cause) -> ended[ended[0].isDone() ? 1 : 0].complete(null))
                        .listen(Support.loopback());
                Socket modest = Support.connect(server)) {
            for (CompletableFuture<?> end : ended) {
                try (Socket greedy = Support.connect(server)) {
                    byte[] block = "x".repeat(64 * 1024).getBytes();
                    try {
                        for (int i = 0; i < 2000; i++) {
                            greedy.getOutputStream().write(block);
                        }
                    } catch (IOException e) {
                        // It has been closed.
                    }
                    end.get(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
                }
                Support.send(modest, "still there");
                if (!Support.receive(modest, 11).equals("still there")) {
                    throw new IllegalStateException("no answer");
                }
            }
            if (reports.causes.size() != 2) {
                throw new IllegalStateException("not two reports: " + reports.causes);
            }
        } catch (Throwable e) {
            System.out.println(e + " after " + reports.causes);
            System.exit(1);
        }
    }
}
