package io.netpark.simulation.socket;

import io.netpark.core.sys.Clock;
import io.netpark.core.sys.Errno;
import io.netpark.simulation.network.Allowance;
import io.netpark.simulation.network.Host;
import io.netpark.simulation.network.Lane;
import io.netpark.simulation.schedule.Appointment;
import io.netpark.simulation.schedule.Timeline;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A handshake of TCP, as the client sees it. A SYN that is not answered, because the listener's queue is full or because it got lost on its
 * way, is sent again after one second, and after twice the time each time.
 */
final class TcpDial {

    /** tcp_syn_retries of tcp(7). */
    private static final int RETRIES = 6;

    private final TcpSocket client;
    private final TcpStream stream;
    private final InetSocketAddress to;
    private final Timeline timeline;
    private int tries;
    private @Nullable Appointment next;
    /** There is a connection, if the client comes to know of it. */
    private boolean isAdmitted;
    private boolean isOver;

    TcpDial(TcpSocket client, TcpStream stream, InetSocketAddress to) {
        this.client = client;
        this.stream = stream;
        this.to = to;
        this.timeline = client.host.timeline();
    }

    void begin() {
        Host<TcpSocket, UdpSocket> server = client.host.at(to.getAddress());
        stream.goBy(server == null ? null : client.host.laneTo(server));
        attempt();
    }

    void cancel() {
        isOver = true;
        if (next != null) {
            next.cancel();
        }
    }

    private void attempt() {
        next = null;
        Host<TcpSocket, UdpSocket> server = client.host.at(to.getAddress());
        Lane lane = server == null ? null : client.host.laneTo(server);
        if (server == null || lane == null) {
            attemptHere();
        } else if (tries > RETRIES) {
            stream.giveUp(Errno.ETIMEDOUT);
        } else {
            attemptLater();
            if (!isAdmitted && !lane.link().losesSyn()) {
                timeline.at(lane.arrival(0), () -> arrive(server, lane));
            }
        }
    }

    private void attemptLater() {
        Clock clock = timeline.clock();
        next = timeline.at(clock.after(TimeUnit.SECONDS.toNanos(1L << tries++)), this::attempt);
    }

    /** Client and server are on one host: whatever is answered is there at once. */
    private void attemptHere() {
        TcpSocket listener = listenerOn(client.host);
        if (listener == null) {
            stream.reset();
            return;
        }
        TcpSocket accepted = listener.admit(client, to);
        if (accepted != null) {
            stream.established(accepted);
            listener.admitted();
        } else if (tries > RETRIES) {
            stream.giveUp(Errno.ETIMEDOUT);
        } else {
            attemptLater();
        }
    }

    private @Nullable TcpSocket listenerOn(Host<TcpSocket, UdpSocket> host) {
        return host.tcp().find(to, socket -> socket.isListening() ? 0 : -1);
    }

    /** The SYN has come to the server. */
    private void arrive(Host<TcpSocket, UdpSocket> server, Lane lane) {
        Lane back = server.laneTo(client.host);
        if (isOver || isAdmitted || back == null || lane.link().isCut()) {
            return;
        }
        TcpSocket listener = listenerOn(server);
        if (listener == null) {
            timeline.at(back.arrival(0), () -> refused(back));
            return;
        }
        TcpSocket accepted = listener.admit(client, to);
        if (accepted != null) {
            isAdmitted = true;
            Allowance allowance = server.connected();
            stream.limit(allowance);
            accepted.stream().goBy(back);
            accepted.stream().limit(allowance);
            accepted.stream().passage().carry(0, () -> answered(accepted));
            listener.admitted();
        }
    }

    private void refused(Lane back) {
        if (!isOver && !back.link().isCut()) {
            cancel();
            stream.reset();
        }
    }

    private void answered(TcpSocket accepted) {
        if (isOver || stream.state() != TcpState.SYN_SENT) {
            stream.passage().carry(0, accepted.stream()::reset);
        } else {
            cancel();
            stream.established(accepted);
        }
    }
}
