import org.apache.tinkerpop.gremlin.process.traversal.Traversal
import org.apache.tinkerpop.gremlin.process.traversal.TraversalStrategy.ProviderOptimizationStrategy
import org.apache.tinkerpop.gremlin.process.traversal.TraversalStrategy.VerificationStrategy
import org.apache.tinkerpop.gremlin.process.traversal.step.HasContainerHolder
import org.apache.tinkerpop.gremlin.process.traversal.step.map.AddEdgeStepContract
import org.apache.tinkerpop.gremlin.process.traversal.step.map.AddVertexStepContract
import org.apache.tinkerpop.gremlin.process.traversal.strategy.AbstractTraversalStrategy
import org.apache.tinkerpop.gremlin.process.traversal.strategy.verification.LambdaRestrictionStrategy
import org.apache.tinkerpop.gremlin.process.traversal.strategy.verification.VerificationException
import org.apache.tinkerpop.gremlin.structure.T
import org.apache.tinkerpop.gremlin.structure.Vertex
import org.apache.tinkerpop.gremlin.tinkergraph.process.traversal.strategy.optimization.TinkerGraphStepStrategy

// In Cosmos DB the property `id` is the id of the element.
class PropertyIdIsElementId extends AbstractTraversalStrategy<ProviderOptimizationStrategy>
        implements ProviderOptimizationStrategy {
    void apply(Traversal.Admin traversal) {
        traversal.steps.each { step ->
            if (step instanceof HasContainerHolder)
                step.hasContainers.findAll { it.key == 'id' }.each { it.key = T.id.accessor }
            if (step instanceof AddVertexStepContract || step instanceof AddEdgeStepContract) {
                def given = step.properties.get('id')
                if (given) {
                    def id = given.last()
                    step.removeProperty('id')
                    step.elementId = id
                }
            }
        }
    }
    Set<Class<? extends ProviderOptimizationStrategy>> applyPost() { [TinkerGraphStepStrategy] as Set }
}

// Refuses the steps that Cosmos DB does not have.
class OnlyStepsOfCosmos extends AbstractTraversalStrategy<VerificationStrategy> implements VerificationStrategy {
    static final ABSENT = ['Match', 'MergeVertex', 'MergeEdge', 'Merge', 'ElementMap', 'Call', 'Io', 'Subgraph',
        'ProgramVertexProgram', 'PageRankVertexProgram', 'ConnectedComponent', 'ShortestPath', 'PeerPressure']
    void apply(Traversal.Admin traversal) {
        traversal.steps.each { step ->
            def name = step.class.simpleName
            if (ABSENT.any { name.startsWith(it + 'Step') || name.startsWith(it + 'VertexProgramStep') })
                throw new VerificationException("Cosmos DB has no ${name}", traversal)
        }
    }
}

// Cosmos DB finds a vertex by any property without reading the others.
graph.createIndex('pk', Vertex)

def globals = [:]
globals << [g: traversal().withEmbedded(graph).withStrategies(
    new PropertyIdIsElementId(), new OnlyStepsOfCosmos(), LambdaRestrictionStrategy.instance())]
