package io.netpark.core.tls;

import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * How the connections that a client dials are encrypted. Unless told otherwise, the server's certificate has to be signed by
 * somebody who is trusted, and to be for the name or the address that was dialed.
 *
 * <p>The name that was dialed is also sent to the server, so that it can choose its certificate (SNI, RFC 6066). An address is
 * not sent.
 */
public final class ClientTls extends Tls {

    private final @Nullable String serverName;
    private final boolean verifiesHost;

    private ClientTls(Builder builder, List<TrustSource> trust) {
        super(builder, trust, builder.trustsAnyone, Side.CLIENT);
        serverName = builder.serverName;
        verifiesHost = builder.verifiesHost;
        if (verifiesHost && builder.trustManager != null && !(builder.trustManager instanceof X509ExtendedTrustManager)
                && origin instanceof OwnContext own && !own.isOfJdk()) {
            throw new IllegalStateException(
                    "with engines of this provider nobody would check names: the trust manager has to be an X509ExtendedTrustManager");
        }
    }

    /** A client's that trusts whom the JDK trusts, and checks that the certificate is for the name that was dialed. */
    public static ClientTls system() {
        return builder().build();
    }

    /** A client's, to be set up. */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    @Nullable String host(@Nullable String dialed) {
        String host = serverName != null ? serverName : dialed == null ? null : HostName.wire(dialed);
        if (host == null && verifiesHost) {
            throw new IllegalStateException("nobody can tell whether a certificate is the right one, as there is no host name;"
                    + " give one by serverName(...), or turn the check off by verifyHost(false)");
        }
        return host;
    }

    @Override
    void setUp(SSLEngine engine, @Nullable String host) {
        engine.setUseClientMode(true);
        SSLParameters parameters = parameters(engine);
        parameters.setEndpointIdentificationAlgorithm(verifiesHost ? "HTTPS" : null);
        if (host != null && !HostName.isAddress(host)) {
            parameters.setServerNames(HostName.asked(host)); // the JDK itself sends no name without a dot
        }
        engine.setSSLParameters(parameters);
        if (Engines.isOfJdk(engine)) {
            engine.setHandshakeApplicationProtocolSelector(new Negotiation(null, origin.isObserved()));
        } else {
            requireApplicationProtocols(engine);
        }
    }

    /** Makes a {@link ClientTls}. Not safe for use by several threads. */
    public static final class Builder extends Tls.Builder<Builder> {

        private @Nullable String serverName;
        private boolean verifiesHost = true;
        private boolean trustsAnyone;

        private Builder() {}

        @Override
        Builder self() {
            return this;
        }

        /**
         * INSECURE: takes any certificate of anybody, for any name, so whoever is between the two sides can read and change
         * everything. For tests.
         */
        public Builder trustAnyone() {
            trustsAnyone = true;
            return this;
        }

        /**
         * The name to ask for and to check, if it is not the one that is dialed: behind a tunnel, a proxy, a unix socket.
         * Letters beyond ASCII become what {@link java.net.IDN} makes of them, which is IDNA 2003 (RFC 3490), here as in a name
         * that is dialed. A name that IDNA 2008 writes otherwise is to be given in its ASCII form.
         */
        public Builder serverName(String name) {
            if (name.isEmpty()) {
                throw new IllegalArgumentException("a server name is not empty");
            }
            serverName = HostName.wire(name);
            return this;
        }

        /**
         * Whether the certificate has to be for the name or the address that was dialed; it has, unless set. Without this check
         * anybody who has a certificate of a trusted authority for any name can stand between the two sides. It makes sense
         * where an authority of one's own signs the certificates of one service only.
         */
        public Builder verifyHost(boolean verified) {
            verifiesHost = verified;
            return this;
        }

        /**
         * Reads what there is to read.
         *
         * @throws TlsConfigurationException if a file is of no use
         * @throws IllegalStateException if two settings do not go together
         */
        public ClientTls build() {
            boolean own = context == null && engines == null;
            if (trustsAnyone && (!trust.isEmpty() || trustManager != null)) {
                throw new IllegalStateException("either trustAnyone(), or somebody to trust");
            }
            boolean bySystem = own && !trustsAnyone && trust.isEmpty() && trustManager == null;
            return new ClientTls(this, bySystem ? List.of(TrustSource.SYSTEM) : trust);
        }
    }
}
