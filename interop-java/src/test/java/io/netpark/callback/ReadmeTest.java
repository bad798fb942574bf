package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.callback.readme.Echo;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class ReadmeTest {

    @Test
    @Timeout(value = 30, unit = TimeUnit.SECONDS)
    void theJavaExampleOfTheReadmeIsTheOneThatIsCompiledHereAndItWorks() throws Exception {
        String readme = Files.readString(Path.of("../README.md"));
        String example = readme.substring(readme.indexOf("```java\n") + "```java\n".length());
        example = example.substring(0, example.indexOf("```"));
        String source = Files.readString(Path.of("src/test/java/io/netpark/callback/readme/Echo.java"));
        assertTrue(source.contains(example), () -> "README.md and Echo.java differ");

        try (HeldPort held = new HeldPort(InetAddress.getLoopbackAddress())) {
            int port = held.address().getPort();
            Thread server = new Thread(() -> {
                try {
                    Echo.serve(port);
                } catch (IOException | InterruptedException e) {
                    // interrupted when the test is over
                }
            });
            server.start();
            try (Socket client = connect(port)) {
                client.getOutputStream().write("hello".getBytes(StandardCharsets.US_ASCII));
                client.shutdownOutput();
                assertArrayEquals("hello".getBytes(StandardCharsets.US_ASCII), client.getInputStream().readAllBytes());
            }
            server.interrupt();
            server.join();
        }
    }

    /** As soon as somebody listens. */
    private static Socket connect(int port) throws InterruptedException {
        while (true) {
            try {
                return new Socket(InetAddress.getLoopbackAddress(), port);
            } catch (IOException notYet) {
                Thread.sleep(5);
            }
        }
    }
}
