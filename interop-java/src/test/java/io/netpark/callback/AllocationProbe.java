package io.netpark.callback;

import io.netpark.core.framing.Framing;
import io.netpark.core.loop.EventLoopGroup;
import java.net.Socket;

/**
 * A program that serves requests, or whole messages, until one of them costs no memory, and prints {@value #NOTHING}. A process of its own:
 * what the compiler takes away depends on what else has run in it, such as a second implementation of LibC.
 */
final class AllocationProbe {

    static final String NOTHING = "nothing allocated";

    private static final int REQUESTS = 10_000;
    private static final int ROUNDS = 40;

    private static final Callbacks REQUESTED = Callbacks.builder().onRequest((connection, in) -> connection.write(in)).build();
    private static final Callbacks MESSAGES = Callbacks.builder()
            .onMessage(Framing.lengthField(4, 1000).headerKept(), (connection, message) -> connection.write(message)).build();

    private AllocationProbe() {}

    public static void main(String[] arguments) throws Exception {
        try (EventLoopGroup group = Support.group(1, new Support.Reports());
                CallbackServer server = CallbackServer.builder()
                        .group(group)
                        .callbacks(arguments.length > 0 ? MESSAGES : REQUESTED)
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            byte[] request = new byte[1024];
            request[3] = 100; // the length of each message that it is made of
            for (int next = 104; next < request.length; next += 104) {
                request[Math.min(next + 3, request.length - 1)] = (byte) Math.min(100, request.length - next - 4);
            }
            for (int round = 0; round < ROUNDS; round++) {
                long before = Support.allocatedBytes(group.next());
                for (int i = 0; i < REQUESTS; i++) {
                    socket.getOutputStream().write(request);
                    if (socket.getInputStream().readNBytes(request, 0, request.length) != request.length) {
                        throw new IllegalStateException("the echo ended early");
                    }
                }
                long allocated = Support.allocatedBytes(group.next()) - before;
                if (allocated < REQUESTS) { // the two questions cost a few hundred bytes themselves
                    System.out.println(NOTHING);
                    return;
                }
                System.out.println("round " + round + ": " + allocated * 1.0 / REQUESTS + " bytes a request");
            }
        }
    }
}
