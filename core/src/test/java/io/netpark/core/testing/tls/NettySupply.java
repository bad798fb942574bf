package io.netpark.core.testing.tls;

import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.ReferenceCountUtil;
import java.security.cert.X509Certificate;
import java.util.Objects;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Engines of Netty's OpenSSL. They have memory outside the heap, and are counted. */
final class NettySupply implements EngineSupply {

    private final SslContext context;
    private final boolean client;

    NettySupply(Material material, boolean client) {
        this.client = client;
        var identity = material.identity();
        var builder = client ? SslContextBuilder.forClient() : SslContextBuilder.forServer(Objects.requireNonNull(identity).key(),
                identity.chain());
        if (client && identity != null) {
            builder.keyManager(identity.key(), identity.chain());
        }
        if (!material.trusted().isEmpty()) {
            builder.trustManager(material.trusted().toArray(X509Certificate[]::new));
        }
        if (material.mutual()) {
            builder.clientAuth(ClientAuth.REQUIRE);
        }
        if (!material.applicationProtocols().isEmpty()) {
            builder.applicationProtocolConfig(new ApplicationProtocolConfig(
                    Protocol.ALPN,
                    SelectorFailureBehavior.NO_ADVERTISE,
                    SelectedListenerFailureBehavior.ACCEPT,
                    material.applicationProtocols()));
        }
        try {
            context = builder.sslProvider(SslProvider.OPENSSL_REFCNT)
                    .protocols(EngineFlavour.PROTOCOLS)
                    .endpointIdentificationAlgorithm(null)
                    .build();
        } catch (SSLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public SSLEngine engine(@Nullable String host, int port) {
        var allocator = UnpooledByteBufAllocator.DEFAULT;
        var engine = host != null ? context.newEngine(allocator, host, port) : context.newEngine(allocator);
        if (client && host != null) {
            var parameters = engine.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            engine.setSSLParameters(parameters);
        }
        return engine;
    }

    @Override
    public void release(SSLEngine engine) {
        ReferenceCountUtil.release(engine);
    }

    @Override
    public @Nullable SSLContext context() {
        return null;
    }

    @Override
    public void close() {
        ReferenceCountUtil.release(context);
    }
}
