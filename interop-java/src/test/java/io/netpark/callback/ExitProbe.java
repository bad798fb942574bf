package io.netpark.callback;

import java.net.Socket;

/** A callback ends the process, with a shutdown hook that closes the server. Exits with 7. */
final class ExitProbe {

    private ExitProbe() {}

    /** @param args {@code workers} to have workers run it, or {@code loop} */
    public static void main(String[] args) throws Exception {
        CallbackServer.Builder builder = CallbackServer.builder().loops(1).onRequest((connection, in) -> System.exit(7));
        if (args[0].equals("workers")) {
            builder.workers(Workers.pool(1, 1));
        }
        CallbackServer server = builder.listen(Support.loopback());
        Runtime.getRuntime().addShutdownHook(new Thread(server::close));
        try (Socket client = Support.connect(server)) {
            Support.send(client, "x");
            Thread.sleep(Support.TIMEOUT_MILLIS);
        }
    }
}
