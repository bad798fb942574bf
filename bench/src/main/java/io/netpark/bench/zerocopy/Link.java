package io.netpark.bench.zerocopy;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What sender and receiver have between them: the loopback device, or a pair of virtual network cards. */
public final class Link implements Closeable {

    private static final String SENDER = "netpark-bench-a";
    private static final String RECEIVER = "netpark-bench-b";

    private final String label;
    private final String host;
    private final boolean spaces;

    private Link(String label, String host, boolean spaces) {
        this.label = label;
        this.host = host;
        this.spaces = spaces;
    }

    /** The loopback device. */
    public static Link loopback() {
        return new Link("loopback", "127.0.0.1", false);
    }

    /** Two network namespaces and a veth pair, which only root may make; empty where that fails. */
    public static Optional<Link> veth() {
        if (!Cores.onPath("ip")) {
            return Optional.empty();
        }
        Link link = new Link("veth", "10.111.0.1", true);
        try {
            ip("netns", "add", SENDER);
            ip("netns", "add", RECEIVER);
            ip("link", "add", "name", "near", "netns", SENDER, "type", "veth", "peer", "name", "far", "netns", RECEIVER);
            ip("-n", SENDER, "addr", "add", "10.111.0.1/24", "dev", "near");
            ip("-n", RECEIVER, "addr", "add", "10.111.0.2/24", "dev", "far");
            ip("-n", SENDER, "link", "set", "near", "up");
            ip("-n", RECEIVER, "link", "set", "far", "up");
            return Optional.of(link);
        } catch (BenchFailure e) {
            link.close();
            return Optional.empty();
        }
    }

    private static void ip(String... arguments) {
        List<String> command = new ArrayList<>(List.of("ip"));
        command.addAll(List.of(arguments));
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            if (process.waitFor() != 0) {
                throw new BenchFailure(String.join(" ", command) + ": " + said);
            }
        } catch (IOException e) {
            throw new BenchFailure(String.join(" ", command) + ": " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchFailure("interrupted");
        }
    }

    /** Its name in tables. */
    public String label() {
        return label;
    }

    /** Where the sender listens. */
    public String host() {
        return host;
    }

    /** A command of the sender. */
    public List<String> sender(List<String> command) {
        return in(SENDER, command);
    }

    /** A command of the receiver. */
    public List<String> receiver(List<String> command) {
        return in(RECEIVER, command);
    }

    private List<String> in(String space, List<String> command) {
        if (!spaces) {
            return command;
        }
        List<String> all = new ArrayList<>(List.of("ip", "netns", "exec", space));
        all.addAll(command);
        return all;
    }

    @Override
    public void close() {
        if (spaces) {
            for (String space : List.of(SENDER, RECEIVER)) {
                try {
                    ip("netns", "del", space);
                } catch (BenchFailure e) {
                    // it was never made
                }
            }
        }
    }
}
